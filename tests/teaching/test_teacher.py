import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest

from stages.lib.core.collection import Document, Split
from stages.lib.encoding.encoder import Vectors
from stages.lib.params import Params
from stages.lib.search.neighbours import Neighbours
from stages.lib.search.weights import choose_weight, decide, least_overlapping
from stages.lib.selection.phrases import drawn_sentences, key_phrases, spare_queries, titles
from stages.lib.teaching.teacher import Smoothed, choose_teacher
from stages.lib.training.dev import Dev, agreement

VECTORS = np.array([[1, 0], [0.8, 0.6], [0, 1], [0.6, 0.8]], dtype=np.float32)


class Rows:
    """A scorer with given scores by text."""

    def __init__(self, doc_ids: Sequence[str], rows: dict[str, list[float]]) -> None:
        self.doc_ids = list(doc_ids)
        self._rows = rows

    def scores(self, texts: Sequence[str]) -> Vectors:
        return np.array([self._rows[text] for text in texts], dtype=np.float32)


def test_neighbours_by_hand() -> None:
    found = Neighbours(VECTORS, 2)
    # cosines: 0-1 .8, 0-3 .6; 1-3 .96, 1-0 .8; 2-3 .8, 2-1 .6
    assert [set(row) for row in found.indices] == [{1, 3}, {0, 3}, {1, 3}, {1, 2}]
    first = dict(zip(found.indices[0], found.weights[0], strict=True))
    assert first[1] == pytest.approx(0.8 / 1.4)
    assert found.weights.sum(axis=1) == pytest.approx(1)


def test_more_neighbours_than_documents() -> None:
    assert Neighbours(VECTORS, 9).indices.shape == (4, 3)
    assert Neighbours(VECTORS[:1], 5).indices.shape == (1, 0)


def test_smoothing_lifts_the_neighbour_of_a_hit() -> None:
    scorer = Rows("abcd", {"q": [0.0, 0.0, 4.0, 0.0]})
    found = Smoothed(scorer, Neighbours(VECTORS, 1), 0.25).scores(["q"])[0]
    # d is nearest to b, and c to d: only a document whose neighbour was hit is lifted
    raw = np.array([0.0, 0.0, 3.0, 0.0])
    assert found == pytest.approx((raw - raw.mean()) / raw.std(), abs=1e-5)
    scorer = Rows("abcd", {"q": [0.0, 4.0, 0.0, 0.0]})
    found = Smoothed(scorer, Neighbours(VECTORS, 1), 0.25).scores(["q"])[0]
    raw = np.array([1.0, 3.0, 0.0, 1.0])
    assert found == pytest.approx((raw - raw.mean()) / raw.std(), abs=1e-5)


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


def test_the_fusion_teaches_unless_the_base_is_better() -> None:
    names = [f"q{n}" for n in range(8)]
    dev = Split(dict.fromkeys(names, "text"), {name: {"a": 1} for name in names})
    right = {name: {"a": 2.0, "b": 1.0} for name in names}
    wrong = {name: {"b": 2.0, "a": 1.0} for name in names}
    assert choose_teacher({"base": wrong, "fusion": right}, dev) == "fusion"
    assert choose_teacher({"base": right, "fusion": wrong}, dev) == "base"
    assert choose_teacher({"base": right, "fusion": right}, dev) == "fusion"
    assert choose_teacher({"base": right, "fusion": wrong}, Split()) == "fusion"
    # one query of eight is within a standard error
    nearly = wrong | {"q0": right["q0"]}
    assert choose_teacher({"base": nearly, "fusion": wrong}, dev) == "fusion"


def test_a_cross_encoder_has_to_beat_what_would_teach_without_it() -> None:
    names = [f"q{n}" for n in range(8)]
    dev = Split(dict.fromkeys(names, "text"), {name: {"a": 1} for name in names})
    right = {name: {"a": 2.0, "b": 1.0} for name in names}
    wrong = {name: {"b": 2.0, "a": 1.0} for name in names}
    rankings = {"base": wrong, "fusion": wrong, "cross-encoder": right}
    assert choose_teacher(rankings, dev) == "cross-encoder"
    assert choose_teacher(rankings | {"base": right}, dev) == "base"
    assert choose_teacher(rankings | {"fusion": right}, dev) == "fusion"


def test_agreement_by_hand() -> None:
    teacher = {"a": 1.0, "b": 1.0 - math.log(2), "c": -50.0}
    assert agreement(["a", "b"], teacher, 1.0) == pytest.approx(1)
    best = 1 + 0.5 / math.log2(3)
    assert agreement(["b", "x", "a"], teacher, 1.0) == pytest.approx((0.5 + 0.5) / best)


def test_dev_asks_the_teacher_only_where_people_did_not_judge() -> None:
    split = Split({"q": "text"}, {"q": {"a": 1}})
    run = {"q": {"b": 2.0, "a": 1.0}}
    known = 1 / math.log2(3)
    assert Dev(split, None, 1.0).value(run) == pytest.approx(known)
    assert Dev(split, {"q": {"b": 5.0, "a": -50.0}}, 1.0).value(run) == pytest.approx(
        (known + 1) / 2
    )


def test_phrases_are_telling_and_the_same_each_time() -> None:
    texts = ["the zebra gallops over savanna grass", "the tractor ploughs over heavy soil", "no"]
    corpus = {str(n): Document(str(n), "", text) for n, text in enumerate(texts)}
    phrases = list(key_phrases(corpus, 3, seed=1))
    assert {each.doc_id for each in phrases} == {"0", "1"}
    for each in phrases:
        words = each.text.split()
        assert 2 <= len(words) <= 4
        assert set(words) <= set(texts[int(each.doc_id)].split()) - {"the", "over"}
    assert list(key_phrases(corpus, 3, seed=1)) == phrases


def test_no_more_spare_queries_than_asked_for_and_a_new_document_moves_few(
    with_params: Callable[[dict[str, Any]], Params],
) -> None:
    corpus = {
        f"d{n}": Document(f"d{n}", f"Title {n}", f"zebra{n} gallops{n} savanna{n} grass{n}")
        for n in range(40)
    }
    each: dict[str, Any] = {"select.phrases": 2, "select.sentences": 1}
    bounded = with_params(each | {"select.phrases_in_all": 30}).select
    every = spare_queries(corpus, with_params(each | {"select.phrases_in_all": 0}).select, 1)
    drawn = spare_queries(corpus, bounded, 1)
    assert len(every) == 160
    assert len(drawn) == 30
    assert {each.query_id for each in drawn} < {each.query_id for each in every}
    assert {each.type for each in drawn} == {"phrase", "title", "sentence"}
    more = corpus | {"new": Document("new", "Another", "lion prowls desert sand")}
    assert len({*spare_queries(more, bounded, 1)} - {*drawn}) <= 3
    only_titles = with_params(
        {"select.phrases": 0, "select.sentences": 0, "select.phrases_in_all": 10}
    ).select
    assert {*spare_queries(corpus, only_titles, 1)} != {*spare_queries(corpus, only_titles, 2)}


def test_sentences_are_drawn_by_the_seed_and_short_pieces_are_none() -> None:
    text = "No. " + " ".join(f"The {word} gallops over the savanna." for word in "abcdefgh")
    corpus = {"a": Document("a", "", text), "b": Document("b", "", "Too short.")}
    drawn = list(drawn_sentences(corpus, 2, seed=1))
    assert {each.doc_id for each in drawn} == {"a"}
    assert len({each.text for each in drawn}) == 2
    assert all(each.text in text and each.text.endswith("savanna.") for each in drawn)
    assert list(drawn_sentences(corpus, 2, seed=1)) == drawn
    assert list(drawn_sentences(corpus, 2, seed=2)) != drawn


def test_titles_are_queries_where_there_are_some() -> None:
    corpus = {"a": Document("a", "How to steer", "text"), "b": Document("b", "", "text")}
    assert [(each.doc_id, each.type, each.text) for each in titles(corpus)] == [
        ("a", "title", "How to steer")
    ]
