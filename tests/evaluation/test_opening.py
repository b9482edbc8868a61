from stages.lib.evaluation.opening import opening


def test_the_opening_says_what_to_do() -> None:
    row = {"against": "bm25", "n": 50, "low": 0.01, "high": 0.03}
    systems = {"served": {"ndcg_cut_10": 0.52}, "bm25": {"ndcg_cut_10": 0.5}}
    found = {"comparisons": {"served": row}, "systems": systems}
    assert opening(found, True, False) == (
        "Search has become better: 52.0 points of 100 on 50 judged queries, instead of 50.0 by "
        "the best that needs no tuning, keyword search (BM25); this is not luck."
    )
    worse = found | {"comparisons": {"served": row | {"low": -0.03, "high": -0.01}}}
    assert "worse, and should not be deployed" in opening(worse, True, False)
