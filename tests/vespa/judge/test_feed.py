"""What Vespa's own code makes of our feeds: the same ids, texts and, cell by cell, vectors."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from stages.lib.core.collection import Corpus, Document, read_corpus
from stages.lib.errors import UserError
from stages.lib.search.vector_types import as_bfloat16, pack, prefix
from stages.lib.vespa.package.feed import document_row
from stages.lib.vespa.package.manifest import read_manifest
from stages.lib.vespa.package.served import ServedModel
from tests.vespa.deployments import packed
from tests.vespa.judge import Judge, Refused
from tests.vespa.workspace import Workspace, write_texts

TEXTS = {
    "plain": ("Restore", "restore the files of a laptop"),
    "a::b:c": ("", "two colons more"),
    "#/?%20&=+\\\"'": ('"Quoted" \\', 'text with {"braces": [1]} and \\u0041'),
    "日本語-e\u0301-\U0001f600": (
        "İ ﬁ ß",
        "日本語 e\u0301 \U0001f600 \u202eright\u202c zero\u00adwidth",
    ),
    "id:other:doc::x": (" spaced ", "  lines\r\n\tand tabs\n "),
    "<x>&amp;": ("<b>", "embed(emb, @query) || . | ${x}"),
    "n" * 500: ("x" * 2000, "word " * 3000),
    "empty": ("", ""),
}
KINDS: list[tuple[str, int]] = [("float", 0), ("float", 8), ("bfloat16", 0), ("binary", 0)]


def package(workspace: Workspace, vector_type: str, dimensions: int, vectors: str) -> ServedModel:
    write_texts(workspace, TEXTS)
    workspace.embed()
    workspace.set("package", vector_type=vector_type, dimensions=dimensions, vectors=vectors)
    packed(workspace)
    return read_manifest(workspace.application).application.models[0]


def judged(judge: Judge, workspace: Workspace, name: str) -> list[dict[str, Any]]:
    path = workspace.folder / "package" / name
    return judge.feed(
        workspace.application, path.read_text(encoding="utf-8").rstrip("\n").split("\n")
    )


def corpus(workspace: Workspace) -> Corpus:
    return read_corpus(Path(workspace.corpus))


def test_documents_arrive_as_they_are(workspace: Workspace, judge: Judge) -> None:
    package(workspace, "float", 0, "fed")
    documents = corpus(workspace)
    assert set(documents) == set(TEXTS)
    rows = judged(judge, workspace, "feed.jsonl")
    for doc_id, found in zip(sorted(documents), rows, strict=True):
        document = documents[doc_id]
        assert found == {
            "id": f"id:embedsmith:doc::{doc_id}",
            "create": True,
            "fields": {
                "doc_id": doc_id,
                "title": document.title,
                "text": document.text,
                "contents": f"{document.title} {document.text}",
                "to_embed": "",
            },
            "embedded": [],
        }


@pytest.mark.parametrize(("vector_type", "dimensions"), KINDS)
def test_vectors_arrive_cell_by_cell_and_change_nothing_else(
    workspace: Workspace, judge: Judge, vector_type: str, dimensions: int
) -> None:
    model = package(workspace, vector_type, dimensions, "fed")
    whole = workspace.vectors().astype(np.float32)
    vectors = prefix(whole, dimensions) if dimensions else whole
    stored: Any = vectors
    if vector_type == "bfloat16":
        stored = as_bfloat16(vectors)
    elif vector_type == "binary":
        stored = pack(vectors).view(np.int8)
    rows = judged(judge, workspace, "vectors.jsonl")
    for doc_id, row, found in zip(corpus(workspace), stored, rows, strict=True):
        cells = [float(cell) for cell in row]
        assert found == {
            "id": f"id:embedsmith:doc::{doc_id}",
            "create": True,
            "fields": {model.field: {"type": str(model.profile.tensor), "cells": cells}},
            "embedded": [],
        }


@pytest.mark.parametrize(("vector_type", "dimensions"), KINDS)
def test_vespa_embeds_title_and_text_as_one(
    workspace: Workspace, judge: Judge, vector_type: str, dimensions: int
) -> None:
    model = package(workspace, vector_type, dimensions, "vespa")
    documents = corpus(workspace)
    rows = judged(judge, workspace, "feed.jsonl")
    for doc_id, found in zip(sorted(documents), rows, strict=True):
        text = documents[doc_id].contents
        wanted = {
            "embedder": model.document.embedder,
            "text": text,
            "type": str(model.profile.tensor),
            "destination": f"doc.{model.field}",
        }
        assert found["embedded"] == ([wanted] if text else []), doc_id
        # a blank document has no vector at all
        assert (model.field in found["fields"]) == bool(text)


@pytest.mark.parametrize(("vector_type", "dimensions"), KINDS)
def test_a_document_without_a_fed_vector_is_embedded_as_it_comes_in(
    workspace: Workspace, judge: Judge, vector_type: str, dimensions: int
) -> None:
    workspace.set("package", embed_new=True)
    model = package(workspace, vector_type, dimensions, "fed")
    vectors = judged(judge, workspace, "vectors.jsonl")
    assert all(found["fields"].keys() == {model.fed_field, model.field} for found in vectors)
    for found in vectors:
        assert found["fields"][model.field] == found["fields"][model.fed_field]
        assert not found["embedded"]
    assert not any(found["embedded"] for found in judged(judge, workspace, "feed.jsonl"))
    texts = {"doc_id": "new", "title": "New", "text": "a document"}
    fields: dict[str, Any] = {name: {"assign": text} for name, text in texts.items()}
    row = {"update": "id:embedsmith:doc::new", "create": True, "fields": fields}
    (found,) = judge.feed(workspace.application, [json.dumps(row)])
    assert found["embedded"] == [
        {
            "embedder": model.document.embedder,
            "text": "New a document",
            "type": str(model.profile.tensor),
            "destination": f"doc.{model.field}",
        }
    ]
    assert model.field in found["fields"]


def test_vespa_refuses_the_characters_that_we_refuse(workspace: Workspace, judge: Judge) -> None:
    package(workspace, "float", 0, "fed")
    codes = [*range(0xA1), 0xAD, 0x200B, 0x202E, 0xD7FF, 0xE000, *range(0xFDCF, 0xFDF1)]
    codes += [0xFEFF, *range(0xFFF9, 0x10002), 0x1F600, 0x1FFFD, 0x1FFFE, 0x1FFFF, 0x20000]
    codes += [0xD800, 0xDFFF, 0x10FFFD, 0x10FFFE, 0x10FFFF]
    for code in codes:
        text = f"a{chr(code)}b"
        fields: dict[str, Any] = {"doc_id": "x", "title": "", "text": text, "to_embed": ""}
        row = {"update": "id:n:doc::x", "create": True}
        row["fields"] = {name: {"assign": value} for name, value in fields.items()}
        try:
            assert document_row("n", Document("x", "", text)) == row
        except UserError:
            with pytest.raises(Refused):
                judge.feed(workspace.application, [json.dumps(row)])
        else:
            (found,) = judge.feed(workspace.application, [json.dumps(row)])
            assert found["fields"]["text"] == text, hex(code)
