from pathlib import Path

import pytest

from stages.lib.core.collection import Corpus, Document, Queries, Split, write_split
from stages.lib.errors import UserError
from stages.lib.evaluation.comparison import Basis, evaluate, read_basis
from stages.lib.params import Params
from stages.lib.search.engine import Run
from tests.conftest import Change


class Fixed:
    """An engine with a ranking of its own for each query."""

    def __init__(self, **rankings: str) -> None:
        self._rankings = rankings

    def search(self, queries: Queries, depth: int) -> Run:
        return {
            query_id: {
                doc_id: -float(rank)
                for rank, doc_id in enumerate(self._rankings[query_id].split()[:depth])
            }
            for query_id in queries
            if query_id in self._rankings
        }


def corpus(**texts: str) -> Corpus:
    return {doc_id: Document(doc_id, "", text) for doc_id, text in texts.items()}


def test_systems_are_measured_over_the_judged_queries_alone(params: Params) -> None:
    split = Split(
        {"q1": "red", "q2": "blue", "unjudged": "green"}, {"q1": {"a": 1}, "q2": {"b": 1}}
    )
    found = evaluate(
        {"base": Fixed(q1="b a", q2="b", unjudged="a"), "tuned": Fixed(q1="a b")},
        corpus(a="red", b="blue"),
        Basis("test", split),
        params.evaluate,
        params.seed,
    )
    summary = found.summary()
    assert list(found.runs["base"]) == ["q1", "q2"]
    assert summary["measured_on"] == "test"
    assert summary["queries"] == 2
    assert summary["systems"]["base"]["recip_rank"] == 0.75
    assert summary["systems"]["tuned"]["recip_rank"] == 0.5
    comparison = summary["comparisons"]["tuned"]
    assert (comparison["against"], comparison["n"]) == ("base", 2)
    assert (comparison["better"], comparison["worse"]) == (1, 1)
    # q2 fell from 1 to 0, q1 rose from 1 / log2(3) to 1
    assert found.deltas("tuned") == {"q1": round(1 - 0.6309297536, 6), "q2": -1.0}
    assert [row["query_id"] for row in found.plot("tuned")] == ["q1", "q2"]
    assert [(row["query_id"], row["system"]) for row in found.rows()] == [
        ("q1", "base"), ("q1", "tuned"), ("q2", "base"), ("q2", "tuned"),
    ]  # fmt: skip


def test_an_adapter_is_tested_against_the_model_that_it_adapts(params: Params) -> None:
    ranked = Fixed(q="a b")
    names = ("base", "tuned", "documents", "adapted")
    engines = {name: ranked for each in names for name in (each, f"{each}+bm25")}
    found = evaluate(
        engines | {"served": ranked},
        corpus(a="red", b="blue"),
        Basis("test", Split({"q": "red"}, {"q": {"a": 1}})),
        params.evaluate,
        params.seed,
        ["documents", "adapted"],
    )
    assert (found.against["adapted"], found.against["adapted+bm25"]) == (
        "documents",
        "documents+bm25",
    )
    assert (found.against["documents"], found.against["documents+bm25"]) == ("tuned", "served")


def test_a_query_does_not_find_itself(params: Params) -> None:
    text = "school uniforms help pupils to learn"
    split = Split({"d1": text, "2": "cats"}, {"d1": {"counter": 1}, "2": {"2": 1}})
    found = evaluate(
        {"base": Fixed(**{"d1": "d1 counter", "2": "2"})},
        corpus(**{"d1": text + ".", "counter": "they do not", "2": "all about them"}),
        Basis("test", split),
        params.evaluate,
        params.seed,
    )
    assert list(found.runs["base"]["d1"]) == ["counter"]
    assert list(found.runs["base"]["2"]) == ["2"], "a number that two things share is no identity"


def test_runs_keep_their_depth_where_a_query_is_left_out(with_params: Change) -> None:
    documents = {f"d{i}": f"text {i}" for i in range(110)} | {"q": "the query"}
    found = evaluate(
        {"base": Fixed(q=" ".join(["q", *documents]))},
        corpus(**documents),
        Basis("test", Split({"q": "the query"}, {"q": {"d0": 1}})),
        with_params({"evaluate.depth": 100}).evaluate,
        1,
    )
    assert len(found.runs["base"]["q"]) == 100


def test_the_first_split_with_judgements_is_the_basis(tmp_path: Path) -> None:
    full = Split({"q": "red"}, {"q": {"a": 1}})
    collection, synthetic = tmp_path / "collection", tmp_path / "synthetic"
    for folder in (collection / "test", collection / "dev", synthetic / "dev"):
        write_split(folder, Split())
    with pytest.raises(UserError, match="no judged query in any split; run dvc repro select"):
        read_basis(collection, synthetic)
    write_split(synthetic / "dev", full)
    assert read_basis(collection, synthetic).label == "synthetic dev: not evidence of quality"
    write_split(collection / "dev", full)
    assert read_basis(collection, synthetic).label == "dev"
    write_split(collection / "test", full)
    assert read_basis(collection, synthetic).label == "test"
    write_split(collection / "test", Split({}, full.qrels))
    with pytest.raises(UserError, match=r"test/queries.jsonl: no text for query q of qrels.tsv"):
        read_basis(collection, synthetic)
