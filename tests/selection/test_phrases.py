from collections.abc import Callable
from typing import Any

from stages.lib.core.collection import Document
from stages.lib.params import Params
from stages.lib.selection.phrases import drawn_sentences, key_phrases, titles, unlabelled_queries


def test_a_title_is_the_heading_that_people_type() -> None:
    path = Document("a", "Guide > Install > On Linux", "text")
    corpus = {"a": path, "b": Document("b", "Backups", "text"), "c": Document("c", "", "text")}
    assert [query.text for query in titles(corpus)] == ["On Linux", "Backups"]


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


def test_words_that_all_documents_share_tell_nothing_however_often_they_stand() -> None:
    shared = [f"shared{letter}" for letter in "abcdefgh"]
    own = {
        doc_id: [f"{doc_id}{letter}" for letter in "abcdefgh"] for doc_id in ("zebra", "tractor")
    }
    corpus = {
        doc_id: Document(doc_id, "", " ".join([*shared * 3, *words]))
        for doc_id, words in own.items()
    }
    phrases = list(key_phrases(corpus, 5, seed=1))
    assert len(phrases) == 10
    for phrase in phrases:
        assert set(phrase.text.split()) <= set(own[phrase.doc_id])


def test_no_more_queries_than_asked_for_and_a_new_document_moves_few(
    with_params: Callable[[dict[str, Any]], Params],
) -> None:
    corpus = {
        f"d{n}": Document(f"d{n}", f"Title {n}", f"zebra{n} gallops{n} savanna{n} grass{n}")
        for n in range(40)
    }
    each: dict[str, Any] = {"select.phrases": 2, "select.sentences": 1}
    bounded = with_params(each | {"select.phrases_in_all": 30}).select
    every = unlabelled_queries(corpus, with_params(each | {"select.phrases_in_all": 0}).select, 1)
    drawn = unlabelled_queries(corpus, bounded, 1)
    assert len(every) == 160
    assert len(drawn) == 30
    assert {each.query_id for each in drawn} < {each.query_id for each in every}
    assert {each.type for each in drawn} == {"phrase", "title", "sentence"}
    more = corpus | {"new": Document("new", "Another", "lion prowls desert sand")}
    assert len({*unlabelled_queries(more, bounded, 1)} - {*drawn}) <= 3
    only_titles = with_params(
        {"select.phrases": 0, "select.sentences": 0, "select.phrases_in_all": 10}
    ).select
    assert {*unlabelled_queries(corpus, only_titles, 1)} != {
        *unlabelled_queries(corpus, only_titles, 2)
    }


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
