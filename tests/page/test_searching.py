import time

import pytest

from stages.lib.page.gains import JudgedQueries
from stages.lib.page.searching import Column, Hit, moves
from stages.lib.page.web.application import Parts
from tests.page.small import CORPUS, TEST


def column(*doc_ids: str) -> Column:
    hits = [Hit(CORPUS[d], rank, 0.0, "", "", "") for rank, d in enumerate(doc_ids, 1)]
    return Column("any", hits, 0.0)


def test_moves_are_of_documents_that_both_columns_show() -> None:
    found = moves(column("files", "mail", "price"), column("price", "mail", "tape"))
    assert [(move.doc_id, move.left, move.right, move.kind) for move in found] == [
        ("mail", 2, 2, "same"),
        ("price", 3, 1, "up"),
    ]


def test_columns_are_the_systems_of_the_evaluation(parts: Parts) -> None:
    searcher = parts.searcher
    assert searcher.names == ["bm25", "base", "tuned", "base+bm25", "tuned+bm25"]
    columns = searcher.columns("recover a document", searcher.names, 3)
    first = {each.name: each.hits[0].document.doc_id for each in columns}
    assert first["tuned"] == first["tuned+bm25"] == "files"
    assert first["base"] != "files", "the base knows none of the words"
    for each in columns:
        run = searcher.runs({"q": "recover a document"}, [each.name], 3)[each.name]["q"]
        assert [hit.document.doc_id for hit in each.hits] == list(run)


def test_the_best_sentence_is_marked(parts: Parts) -> None:
    (found,) = parts.searcher.columns("students pay", ["base"], 1)
    hit = found.hits[0]
    assert (hit.before, hit.best) == (
        "A licence costs ten a year. ",
        "Students pay nothing at all.",
    )
    assert hit.before + hit.best + hit.after == CORPUS["price"].text


def test_a_column_takes_as_long_as_it_would_alone(
    parts: Parts, monkeypatch: pytest.MonkeyPatch
) -> None:
    slow = parts.searcher._parts["tuned"]._scorer
    scores = slow.scores
    calls = []

    def waiting(texts: list[str]) -> object:
        calls.append(texts)
        time.sleep(0.05)
        return scores(texts)

    monkeypatch.setattr(slow, "scores", waiting)
    seconds = {c.name: c.seconds for c in parts.searcher.columns("key", parts.searcher.names, 2)}
    assert len(calls) == 1, "both columns need it, and it is computed once"
    assert min(seconds["tuned"] or 0, seconds["tuned+bm25"] or 0) >= 0.05
    assert (seconds["base+bm25"] or 1) < 0.05
    again = parts.searcher.columns("key", ["tuned"], 2)[0].seconds
    assert again
    assert again >= 0.05, "though the scores are known by now"
    parts.searcher.runs({"a": "one", "b": "two"}, ["tuned"], 2)
    assert parts.searcher.columns("one", ["tuned"], 2)[0].seconds is None


def test_queries_are_sorted_by_what_they_gain(parts: Parts) -> None:
    gains = parts.judged.gains("test", "base", "tuned")
    assert gains[0].query_id == "t1"
    assert gains[0].delta > 0
    assert [gain.delta for gain in gains] == sorted((g.delta for g in gains), reverse=True)
    assert parts.judged.judgements("restore mailbox") == {"mail": 1}
    assert parts.judged.judgements("another") == {}
    assert list(JudgedQueries(parts.searcher, {"test": TEST}, 1).splits) == ["test"]
