from collections.abc import Sequence

import bm25s
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stages.lib.encoding.encoder import Vectors
from stages.lib.params import Params
from stages.lib.search import engine
from stages.lib.search.bm25 import Lexical
from stages.lib.search.engine import (
    Embedded,
    Found,
    Fused,
    Scorer,
    search_fused,
    top,
    zscores,
)

TEXTS = ["red apples and green pears", "a red car", "the bus is blue", "dogs chase cats"]


class Fixed:
    """A scorer with given scores for every query."""

    def __init__(self, scores: dict[str, float]) -> None:
        self.doc_ids = list(scores)
        self._row = np.array(list(scores.values()), dtype=np.float32)

    def scores(self, texts: Sequence[str]) -> Vectors:
        return np.tile(self._row, (len(texts), 1))


def test_bm25_stems_and_scores_by_hand(params: Params) -> None:
    lexical = Lexical(list("abcd"), TEXTS, params.bm25)
    scores = lexical.scores(["apple", "red", "zebra", ""])
    assert scores.shape == (4, 4)
    # idf of a term in 1 of 4 documents: ln(1 + 3.5 / 1.5); lengths: 5, 3, 4, 3
    tf = 1 / (1 + 1.2 * (1 - 0.75 + 0.75 * 5 / 3.75))
    assert scores[0, 0] == pytest.approx(np.log(1 + 3.5 / 1.5) * tf, rel=1e-4)
    assert list(scores[0] > 0) == [True, False, False, False]
    assert list(scores[1] > 0) == [True, True, False, False]
    assert not scores[2:].any()


def test_bm25_scores_nothing_where_there_is_no_word(params: Params) -> None:
    lexical = Lexical(["a", "b"], ["", "?!"], params.bm25)
    assert not lexical.scores(["", "?", "word"]).any()


def test_bm25_is_that_of_bm25s_to_the_bit(params: Params) -> None:
    """Words that most documents have are added up in another way than rare ones."""
    texts = [f"the fox of number{n} {'runs ' * (n % 3)}{'far' * (n < 2)}" for n in range(40)]
    lexical = Lexical([str(n) for n in range(40)], texts, params.bm25)
    index = bm25s.BM25(method="lucene", k1=params.bm25.k1, b=params.bm25.b)
    index.index([text.replace("runs", "run").split() for text in texts], show_progress=False)
    for query in ("far", "the fox", "run far of the run number7", "number3 of number3"):
        assert np.array_equal(lexical.scores([query])[0], index.get_scores(query.split())), query


def test_ties_are_broken_by_doc_id_whatever_the_order() -> None:
    scores = {"d": 1.0, "b": 2.0, "a": 1.0, "c": 1.0}
    backwards = dict(reversed(scores.items()))
    for each in (scores, backwards):
        assert list(Embedded(Fixed(each)).search({"q": ""}, 3)["q"]) == ["b", "a", "c"]


@given(st.lists(st.integers(-3, 3), min_size=1, max_size=30), st.integers(1, 40))
def test_top_agrees_with_sorting(values: list[int], depth: int) -> None:
    row = np.array(values, dtype=np.float32)
    expected = sorted(range(len(values)), key=lambda index: (-values[index], index))[:depth]
    assert top(row, depth, np.arange(len(values))) == expected


def test_fusion_weighs_zscores() -> None:
    dense, lexical = Fixed({"a": 1.0, "b": 3.0}), Fixed({"a": 30.0, "b": 10.0})
    fused = Fused(dense, lexical, 0.7).scores(["q"])
    assert fused[0] == pytest.approx([-0.7 + 0.3, 0.7 - 0.3])


def test_scores_computed_once_rank_as_those_computed_each_time(
    params: Params, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine, "BLOCK_CELLS", 2 * len(TEXTS))  # two queries at a time
    lexical = Lexical(list("abcd"), TEXTS, params.bm25)
    fixed = Fixed({"a": 0.1, "b": 0.3, "c": 0.2, "d": 0.9})
    queries = {"1": "red apple", "2": "blue bus", "3": "dog", "4": "dog", "5": "pears"}
    runs = search_fused(lexical, fixed, 0.6, queries, 3)
    scorers: list[Scorer] = [lexical, fixed, Fused(lexical, fixed, 0.6)]
    for run, scorer in zip(runs, scorers, strict=True):
        assert run == Embedded(scorer).search(queries, 3)
        assert Found(run).search({"2": ""}, 1) == Embedded(scorer).search({"2": "blue bus"}, 1)


def test_a_constant_row_has_no_zscores() -> None:
    assert not zscores(np.full((1, 3), 5.0, dtype=np.float32)).any()
