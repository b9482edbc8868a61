"""What Vespa's own code makes of our requests: the query that is meant, whatever the text says."""

import ast
import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from stages.lib.encoding.encoder import Vectors
from stages.lib.vespa.package.application import Application, ground_of
from stages.lib.vespa.package.manifest import Manifest, read_manifest
from stages.lib.vespa.package.rendering import write_application
from stages.lib.vespa.package.served import ServedModel
from stages.lib.vespa.search import engine, live
from stages.lib.vespa.search.connection import Connection, Credentials
from stages.lib.vespa.search.engine import Kind, Ranking
from stages.lib.vespa.search.scorers import DEEPEST
from tests.vespa.deployments import packed
from tests.vespa.judge import Judge, Refused
from tests.vespa.workspace import ROOT, Workspace

TEXTS = [
    "restore files from a snapshot",
    'the "quoted" AND (x OR y) ANDNOT z +w -v title:foo contents:bar "',
    "weakAnd() or true; nearestNeighbor(embedding, q) rank(a, b)",
    "x'; select * from doc where true limit 400 -- \\' \\\" \\n",
    ") embed(x,y) embed(emb, @query) @query {targetHits:1}userInput(@yql) ${x} $1 %s",
    "{a:1} [1;2] <5 >6 1 -1 1e400 007 18446744073709551616 &amp; <b>",
    "日本語テスト e\u0301te\u0301 İstanbul ﬁle \u202eright\u202c zero\u00adwidth \U0001f600",
    "lines\nand\ttabs\r\n",
    "x" * 1000,  # a longer word is in no document
    "word " * 2000,
    "!!! ... ---",
    " ",
    "",
]
KINDS: list[Kind] = ["semantic", "hybrid", "rrf", "bm25"]
TYPES = ["float", "bfloat16", "binary"]
NOBODY = Connection("", "", None, Credentials())


def package(workspace: Workspace, vector_type: str = "bfloat16", **changes: Any) -> ServedModel:
    workspace.set("package", vector_type=vector_type, **changes)
    packed(workspace)
    return read_manifest(workspace.application).application.models[0]


def trees(
    judge: Judge,
    workspace: Workspace,
    kind: str,
    model: ServedModel,
    targets: int = 200,
    approximate: bool = True,
    explore: int = 0,
) -> list[Any]:
    """What each text is to become: words alone, the same that a document of this text has."""
    nearest = {
        "nearest": model.field,
        "input": "q_bits" if model.profile.binary else "q",
        "targets": targets,
        "approximate": approximate,
        "explore": explore,
    }
    if kind == "semantic":
        return [nearest] * len(TEXTS)
    lexical = [
        {"targets": targets, "weak_and": [{"word": each, "field": "contents"} for each in words]}
        for words in judge.words(workspace.application, "document", TEXTS)
    ]
    return lexical if kind == "bm25" else [{"or": [nearest, each]} for each in lexical]


def calls(kind: str, model: ServedModel, text: str) -> list[dict[str, str]]:
    """The embedder's: the whole text, once for each input; a blank text is a vector of zeros."""
    if kind == "bm25" or not text.strip():
        return []
    inputs = sorted(model.profile.inputs.items())
    named = {"embedder": model.query.embedder, "text": text}
    return [{**named, "type": str(each), "destination": f"query({name})"} for name, each in inputs]


def check_query(kind: str, model: ServedModel, text: str, found: dict[str, Any]) -> None:
    """What a query has in common, whether a profile or the engine asks it."""
    embedded = sorted(found["embedded"], key=lambda call: str(call["destination"]))
    assert embedded == calls(kind, model, text)
    assert sorted(found["inputs"]) == found["declared"]
    assert found["profile"] == (kind if kind == "bm25" else f"{kind}_{model.label}")
    assert found["most_hits"] == DEEPEST
    assert found["milliseconds"] == 20_000
    assert found["soft_timeout"] is False


@pytest.mark.parametrize("vector_type", TYPES)
def test_profiles_search_for_the_text_and_interpret_nothing(
    workspace: Workspace, judge: Judge, vector_type: str
) -> None:
    model = package(workspace, vector_type, targets=50)
    for kind in KINDS:
        name = kind if kind == "bm25" else f"{kind}_{model.label}"
        requests = [{"queryProfile": name, "query": text} for text in TEXTS]
        answers = judge.queries(workspace.application, requests)
        for text, tree, found in zip(
            TEXTS, trees(judge, workspace, kind, model, 50), answers, strict=True
        ):
            assert found["tree"] == tree, text[:80]
            assert found["hits"] == 10
            check_query(kind, model, text, found)


@pytest.mark.parametrize("profile", ["semantic", "hybrid", "rrf"])
def test_the_default_is_the_profile_that_is_chosen(
    workspace: Workspace, judge: Judge, profile: Kind
) -> None:
    model = package(workspace, profile=profile)
    (found,) = judge.queries(workspace.application, [{"query": TEXTS[0], "hits": 10_000}])
    check_query(profile, model, TEXTS[0], found)
    assert found["tree"] == trees(judge, workspace, profile, model)[0]
    assert found["hits"] == 10_000


def test_make_query_gets_what_the_live_profile_finds_with_titles(
    workspace: Workspace, judge: Judge, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = package(workspace)
    texts = {
        text: tree
        for text, tree in zip(TEXTS, trees(judge, workspace, "hybrid", model), strict=True)
        if text.strip()
    }
    asked: list[dict[str, Any]] = []

    def ask(_: Connection, requests: list[dict[str, Any]]) -> list[dict[str, Any]]:
        asked.extend(requests)
        return [{"root": {}}]

    monkeypatch.setattr(live, "ask", ask)
    for text in texts:
        assert live.search_live(NOBODY, text) == []
    # who names no summary gets the default one
    requests = [{"presentation.summary": "default"} | request for request in asked]
    answers = judge.queries(workspace.application, requests)
    for (text, tree), found in zip(texts.items(), answers, strict=True):
        assert found["tree"] == tree, text[:80]
        assert found["hits"] == 10
        assert {"doc_id", "title", "text"} <= set(found["summary"])
        check_query("hybrid", model, text, found)


def test_requests_that_applications_are_shown_are_read_as_meant(
    workspace: Workspace, judge: Judge
) -> None:
    shown = (ROOT / "application-package" / "README.md").read_text(encoding="utf-8")
    model = package(workspace)
    text = TEXTS[0]
    pyvespa, langchain = (
        ast.literal_eval(re.findall(pattern, shown, re.DOTALL)[0])
        for pattern in (r"app\.query\((\{.+?\})\)", r"VespaRetriever\(app=app, body=(\{.+?\})")
    )
    (profile,) = re.findall(r'"queryProfile": "\w+_LABEL"', shown)
    named = json.loads("{" + profile.replace("LABEL", model.label) + "}")
    (own,) = re.findall(r'\{"yql": .+?TEXT\}', shown, re.DOTALL)
    own = own.replace("FIELD", model.field).replace("TEXT", "0")
    requests = [pyvespa, langchain, named, json.loads(own)]
    answers = judge.queries(workspace.application, [each | {"query": text} for each in requests])
    semantic, hybrid = (trees(judge, workspace, kind, model)[0] for kind in ("semantic", "hybrid"))
    assert [found["tree"] for found in answers[:3]] == [hybrid, hybrid, semantic]
    for kind, found in zip(["hybrid", "hybrid", "semantic", "hybrid"], answers, strict=True):
        assert found["hits"] == 10
        check_query(kind, model, text, found)
    filtered = answers[3]["tree"]["other"]
    assert filtered.startswith("AndItem: AND NEAREST_NEIGHBOR ")
    assert f"field={model.field},queryTensorName=q," in filtered
    assert filtered.endswith(" doc_id:a1")


@pytest.mark.parametrize("vector_type", TYPES)
def test_requests_of_the_engine_are_read_as_meant(
    workspace: Workspace, judge: Judge, vector_type: str
) -> None:
    model = package(workspace, vector_type)
    for kind in KINDS:
        ranking = Ranking(kind, None if kind == "bm25" else model.profile, exact=True, targets=70)
        answers = judge.queries(workspace.application, list(ranking.requests(TEXTS, depth=30)))
        wanted = trees(judge, workspace, kind, model, 70, approximate=False)
        for text, tree, found in zip(TEXTS, wanted, answers, strict=True):
            assert found["tree"] == tree, text[:80]
            assert found["hits"] == 30
            assert set(found["summary"]) - {"rankfeatures", "summaryfeatures"} == {"doc_id"}
            assert found["second_phase"] == (None if kind == "bm25" else 70)
            assert found["global_phase"] == (None if kind == "bm25" else 140)
            check_query(kind, model, text, found)


def test_the_search_of_the_graph_looks_as_far_as_it_is_told(
    workspace: Workspace, judge: Judge, tmp_path: Path
) -> None:
    model = replace(package(workspace), additional_hits=300)
    ranking = Ranking("hybrid", model.profile, targets=70, additional_hits=300)
    requests = list(ranking.requests(TEXTS[:1], depth=30))
    (found,) = judge.queries(workspace.application, requests)
    assert found["tree"] == trees(judge, workspace, "hybrid", model, 70, explore=300)[0]
    application = Application().adding(model).on(ground_of(workspace.params))
    folders = dict.fromkeys(application.towers(), workspace.folder / "onnx" / "fp32")
    write_application(tmp_path, Manifest(application), ROOT / "application-package", folders)
    (found,) = judge.queries(tmp_path, [{"query": TEXTS[0]}])
    assert found["tree"] == trees(judge, workspace, "hybrid", model, explore=300)[0]


def test_vectors_of_a_request_arrive_cell_by_cell(workspace: Workspace, judge: Judge) -> None:
    model = package(workspace, "float")
    given = np.random.default_rng(1).normal(size=(2, 16)).astype(np.float32)
    given[1, :3] = 1e-30, -3.4028235e38, 0

    def encode(_: Any) -> Vectors:
        return given

    ranking = Ranking("semantic", model.profile, exact=True, encode=encode)
    requests = list(ranking.requests(["a", "b"], depth=5))
    for vector, found in zip(given, judge.queries(workspace.application, requests), strict=True):
        assert found["embedded"] == []
        assert found["inputs"]["query(q)"] == {
            "type": "tensor<float>(x[16])",
            "cells": [float(value) for value in vector],
        }


@pytest.mark.parametrize("vector_type", TYPES)
def test_counts_are_requests_that_vespa_takes(
    workspace: Workspace, judge: Judge, monkeypatch: pytest.MonkeyPatch, vector_type: str
) -> None:
    model = package(workspace, vector_type)
    asked: list[dict[str, Any]] = []

    def ask(_: Connection, requests: list[dict[str, Any]]) -> list[dict[str, Any]]:
        asked.extend(requests)
        return [{"root": {"fields": {"totalCount": 8}}}]

    monkeypatch.setattr(engine, "ask", ask)
    engine.count_documents(NOBODY)
    engine.count_vectors(NOBODY, model.profile, 8)
    documents, vectors = judge.queries(workspace.application, asked)
    assert documents["tree"] == {"other": "TrueItem: TRUE"}
    assert documents["profile"] == "unranked"
    assert vectors["tree"] == trees(judge, workspace, "semantic", model, 8, False)[0]
    assert sorted(vectors["inputs"]) == vectors["declared"]
    assert documents["hits"] == vectors["hits"] == 0


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"yql": "select * from doc where {totalTargetHits:9}nearestNeighbor(embedding,q)"},
            "attr",
        ),
        ({"yql": "select * from doc where userInput(@query"}, "YQL"),
        ({"input.query(q)": "embed(emb_000000000000, @query)"}, "emb_000000000000"),
        ({"ranking.profile": "semantic_x"}, "No profile named 'semantic_x'"),
        ({"queryProfile": "semantic_x"}, "no such query profile"),
    ],
)
def test_requests_that_fit_no_package_are_refused(
    workspace: Workspace, judge: Judge, changes: dict[str, Any], message: str
) -> None:
    model = package(workspace)
    (request,) = Ranking("semantic", model.profile).requests(["text"], 10)
    judge.queries(workspace.application, [request])
    with pytest.raises(Refused, match=message):
        judge.queries(workspace.application, [request | changes])
