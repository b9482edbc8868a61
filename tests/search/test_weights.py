"""Which ranker to trust, judged on a dev set."""

import numpy as np

from stages.lib.core.collection import Document, Split
from stages.lib.params import Params
from stages.lib.search.weights import choose_weight, decide, least_overlapping
from tests.search.scorers import GivenScores


def test_fusion_needs_to_win_by_a_standard_error() -> None:
    dense = np.array([1.0, 0.0, 0.5, 0.5] * 10)
    assert decide({1.0: dense, 0.7: dense}, 0.7) == 1.0
    assert decide({1.0: dense, 0.7: dense - 0.1}, 0.7) == 1.0
    noise = np.array([0.5, -0.45] * 20)
    assert decide({1.0: dense, 0.7: dense + noise}, 0.7) == 1.0
    assert decide({1.0: dense, 0.7: dense + 0.1, 0.5: dense + 0.1}, 0.9) == 0.8


def test_the_half_that_copies_least_decides(params: Params) -> None:
    corpus = {
        "a": Document("a", "", "red apples are sweet"),
        "b": Document("b", "", "blue cars are fast"),
    }
    # "red apples" copies its document, "quick vehicle" does not
    dev = Split({"q1": "red apples", "q2": "quick vehicle"}, {"q1": {"a": 1}, "q2": {"b": 1}})
    half = least_overlapping(dev, corpus)
    assert half == Split({"q2": "quick vehicle"}, {"q2": {"b": 1}})
    dense = GivenScores("ab", {"quick vehicle": [0.0, 1.0]})
    lexical = GivenScores("ab", {"quick vehicle": [1.0, 0.0]})
    assert choose_weight(dense, lexical, half, params.fusion).dense == 1.0


def test_copies_say_nothing_about_bm25(params: Params) -> None:
    corpus = {"a": Document("a", "", "red apples are sweet")}
    dev = Split({"q": "apples are red"}, {"q": {"a": 1}})
    assert not least_overlapping(dev, corpus)
    scorer = GivenScores("a", {})
    fusion = params.fusion.model_copy(update={"dense_weight": 0.6, "shares": [0.4, 0.8]})
    assert choose_weight(scorer, scorer, Split(), fusion).dense == 0.7
    assert choose_weight(scorer, scorer, Split(), fusion, learnt=True).dense == 0.8


def test_a_model_that_learnt_from_bm25_gets_less_of_it(params: Params) -> None:
    names = [f"q{n}" for n in range(4)]
    dev = Split({name: name for name in names}, {name: {"a": 1} for name in names})
    # any share of BM25 repairs the ranking
    dense = GivenScores("ab", {key: [0.0, 1.0] for key in names})
    lexical = GivenScores("ab", {key: [9.0, 0.0] for key in names})
    fusion = params.fusion.model_copy(update={"dense_weight": 0.6, "shares": [0.4]})
    assert choose_weight(dense, lexical, dev, fusion).dense == 0.5
    assert choose_weight(dense, lexical, dev, fusion, learnt=True).dense == 0.6
