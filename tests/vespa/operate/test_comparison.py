"""Two engines are compared as numbers that can be checked by hand, without any Vespa."""

import pytest

from stages.lib.core.collection import Queries, Split
from stages.lib.search.engine import Run
from stages.lib.vespa.operate.comparison import agreement, drawn, measured, overlap, score_gap

QUERIES = {"q1": "red", "q2": "blue"}


class Fixed:
    """An engine that always gives the same run."""

    def __init__(self, run: Run) -> None:
        self._run = run

    def search(self, queries: Queries, depth: int) -> Run:
        return {query_id: dict(list(self._run[query_id].items())[:depth]) for query_id in queries}


def test_overlap_is_the_mean_share_of_the_first_runs_documents() -> None:
    left: Run = {"q1": {"a": 0.9, "b": 0.8}, "q2": {"a": 0.9, "b": 0.8, "c": 0.7, "d": 0.6}}
    right: Run = {
        "q1": {"b": 0.8, "a": 0.7, "c": 0.6},
        "q2": {"a": 0.9, "x": 0.8, "y": 0.7, "z": 0.6},
    }
    assert overlap(left, right) == (1 + 1 / 4) / 2
    assert overlap(left, left) == 1
    assert score_gap(left, right) == pytest.approx(0.2)


def test_queries_without_an_answer_tell_nothing() -> None:
    assert overlap({"q1": {}, "q2": {"a": 1.0}}, {"q1": {"b": 1.0}, "q2": {"a": 1.0}}) == 1
    assert overlap({}, {}) == 1
    assert score_gap({"q1": {"a": 1.0}}, {"q1": {"b": 0.0}}) == 0


def test_engines_are_asked_for_ten_documents() -> None:
    ranks = {f"d{rank:02}": 1 - rank / 100 for rank in range(12)}
    swapped = {doc_id: 1 - rank / 100 for rank, doc_id in enumerate(reversed(ranks))}
    found = agreement(
        Fixed({"q1": ranks, "q2": ranks}), Fixed({"q1": ranks, "q2": swapped}), QUERIES
    )
    assert found.queries == 2
    assert found.overlap == (1 + 8 / 10) / 2  # the reverse lacks d00 and d01, and has d10 and d11
    assert found.score_gap == pytest.approx(0.07)  # d02 and d09: second and ninth of twelve


def test_better_ranking_measures_higher() -> None:
    qrels = {"q1": {"a": 1}, "q2": {"a": 1}}
    best: Run = {query_id: {"a": 0.9, "b": 0.8} for query_id in QUERIES}
    worse: Run = {query_id: {"b": 0.9, "a": 0.8} for query_id in QUERIES}
    found = measured({"best": Fixed(best), "worse": Fixed(worse)}, Split(QUERIES, qrels))
    assert found["best"] == 1
    assert found["worse"] == pytest.approx(0.6309, abs=1e-4)  # 1 / log2(3)
    assert measured({"best": Fixed(best)}, Split({}, {})) == {}


def test_drawn_queries_stay_when_others_come() -> None:
    many = {f"q{number}": "text" for number in range(50)}
    chosen = drawn(many, 10, seed=1)
    assert len(chosen) == 10
    assert chosen == drawn(dict(reversed(many.items())), 10, seed=1)
    more = drawn(many | {"new": "text"}, 10, seed=1)
    assert len(chosen.keys() & more.keys()) >= 9
