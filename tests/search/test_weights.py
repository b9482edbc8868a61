"""Which ranker to trust, judged on a dev set."""

from collections.abc import Sequence

import numpy as np

from stages.lib.core.collection import Document, Split
from stages.lib.encoding.encoder import Vectors
from stages.lib.params import Params
from stages.lib.search.weights import choose_weight, decide, least_overlapping


class Rows:
    """A scorer with given scores by text."""

    def __init__(self, doc_ids: Sequence[str], rows: dict[str, list[float]]) -> None:
        self.doc_ids = list(doc_ids)
        self._rows = rows

    def scores(self, texts: Sequence[str]) -> Vectors:
        return np.array([self._rows[text] for text in texts], dtype=np.float32)


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
    dense = Rows("ab", {"quick vehicle": [0.0, 1.0]})
    lexical = Rows("ab", {"quick vehicle": [1.0, 0.0]})
    assert choose_weight(dense, lexical, half, params.fusion).dense == 1.0


def test_copies_say_nothing_about_bm25(params: Params) -> None:
    corpus = {"a": Document("a", "", "red apples are sweet")}
    dev = Split({"q": "apples are red"}, {"q": {"a": 1}})
    assert not least_overlapping(dev, corpus)
    scorer = Rows("a", {})
    fusion = params.fusion.model_copy(update={"dense_weight": 0.6, "shares": [0.4, 0.8]})
    assert choose_weight(scorer, scorer, Split(), fusion).dense == 0.7
    assert choose_weight(scorer, scorer, Split(), fusion, learnt=True).dense == 0.8


def test_a_model_that_learnt_from_bm25_gets_less_of_it(params: Params) -> None:
    names = [f"q{n}" for n in range(4)]
    dev = Split({name: name for name in names}, {name: {"a": 1} for name in names})
    # any share of BM25 repairs the ranking
    dense = Rows("ab", {key: [0.0, 1.0] for key in names})
    lexical = Rows("ab", {key: [9.0, 0.0] for key in names})
    fusion = params.fusion.model_copy(update={"dense_weight": 0.6, "shares": [0.4]})
    assert choose_weight(dense, lexical, dev, fusion).dense == 0.5
    assert choose_weight(dense, lexical, dev, fusion, learnt=True).dense == 0.6
