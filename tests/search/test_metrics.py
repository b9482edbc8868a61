import itertools
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stages.lib.core.collection import Qrels
from stages.lib.search.metrics import MEASURES, mean, ndcg, per_query, strict

QRELS: Qrels = {"q1": {"a": 2, "b": 1}, "q2": {"a": 1}}


def test_each_measure_by_hand() -> None:
    # b (1), x (0), a (2): trec_eval's nDCG has the grade itself as gain
    found = per_query({"q1": {"b": 3.0, "x": 2.0, "a": 1.0}}, {"q1": QRELS["q1"]})
    dcg, ideal = 1 + 2 / math.log2(4), 2 + 1 / math.log2(3)
    assert {measure: found[measure]["q1"] for measure in MEASURES} == pytest.approx(
        {
            "ndcg_cut_10": dcg / ideal,
            "recip_rank": 1.0,
            "recall_100": 1.0,
            "map": (1 / 1 + 2 / 3) / 2,
            "P_10": 0.2,
            "success_10": 1.0,
        }
    )


def test_a_query_that_the_run_lacks_counts_as_0() -> None:
    run = {"q1": {"a": 2.0, "b": 1.0}}
    assert per_query(run, QRELS)["ndcg_cut_10"] == {"q1": 1.0, "q2": 0.0}
    assert ndcg(run, QRELS) == 0.5
    assert ndcg({}, QRELS) == 0.0
    assert ndcg(run | {"q2": {}}, QRELS) == 0.5


def test_a_query_without_relevant_documents_counts_as_0_and_spoils_no_other() -> None:
    run = {query_id: {"a": 2.0, "b": 1.0} for query_id in ("q0", "q1", "q2", "q3")}
    found = per_query(run, {"q0": {}, **QRELS, "q3": {"a": 0}})
    assert found["ndcg_cut_10"] == {"q0": 0.0, "q1": 1.0, "q2": 1.0, "q3": 0.0}


def test_queries_without_judgements_do_not_count() -> None:
    run = {"q2": {"a": 1.0}, "unknown": {"a": 1.0}}
    assert per_query(run, {"q2": QRELS["q2"]})["ndcg_cut_10"] == {"q2": 1.0}


def test_reciprocal_rank_ends_at_10() -> None:
    tenth = {f"x{i}": 1.0 for i in range(9)} | {"a": 1.0}
    eleventh = {f"x{i}": 1.0 for i in range(10)} | {"a": 1.0}
    qrels = {"q2": QRELS["q2"]}
    assert per_query({"q2": tenth}, qrels)["recip_rank"]["q2"] == pytest.approx(0.1)
    found = per_query({"q2": eleventh}, qrels)
    assert found["recip_rank"]["q2"] == 0.0
    assert found["map"]["q2"] == pytest.approx(1 / 11)


def test_ties_keep_our_order_and_not_that_of_names() -> None:
    # trec_eval would put z first
    found = per_query({"q": {"a": 1.0, "z": 1.0}}, {"q": {"a": 1}})
    assert found["recip_rank"]["q"] == found["ndcg_cut_10"]["q"] == found["map"]["q"] == 1.0


@given(st.lists(st.floats(-1e6, 1e6, width=32)))
def test_strict_scores_fall_and_stay_near(scores: list[float]) -> None:
    ranking = {str(i): score for i, score in enumerate(sorted(scores, reverse=True))}
    found = strict(ranking)
    assert list(found) == list(ranking)
    values = [np.float32(score) for score in found.values()]
    assert all(left > right for left, right in itertools.pairwise(values))
    assert list(found.values()) == pytest.approx(list(ranking.values()), abs=1e-30, rel=1e-4)


def test_mean_of_nothing_is_0() -> None:
    assert mean({}) == 0.0
