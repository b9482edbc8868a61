"""What Vespa computes of the probes decides whether a model goes live."""

import json
import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import numpy_helper

from stages.lib.vespa.package.probe import read_probes
from tests.vespa.deployments import deploy, live, packed, receipt, stays
from tests.vespa.standin import StandIn
from tests.vespa.standin.container import Container
from tests.vespa.standin.package import Embedder
from tests.vespa.workspace import TEXTS, Workspace, check

Change = Callable[[Embedder], Embedder]


def other_model(embedder: Embedder) -> Embedder:
    """The same graph with other weights."""
    model = onnx.load_model_from_string(embedder.model)
    for each in model.graph.initializer:
        weights = numpy_helper.to_array(each)
        if weights.ndim == 2:
            each.CopyFrom(numpy_helper.from_array(weights[::-1].copy(), each.name))
    return replace(embedder, model=model.SerializeToString())


def truncating(embedder: Embedder) -> Embedder:
    """A tokenizer with a truncation of its own, which wins over max-tokens."""
    truncation = {"max_length": 8, "strategy": "LongestFirst", "stride": 0, "direction": "Right"}
    tokenizer = json.loads(embedder.tokenizer) | {"truncation": truncation}
    return replace(embedder, tokenizer=json.dumps(tokenizer))


CHANGES: dict[str, Change] = {
    "pooling": lambda embedder: replace(embedder, pooling="cls"),
    "prefix": lambda embedder: replace(embedder, prefixes={}),
    "truncation": truncating,
    "model": other_model,
}


def tampered(monkeypatch: pytest.MonkeyPatch, label: str, change: Change) -> None:
    """Has the stand-in run the embedder of a label otherwise than it was packaged."""
    serve = Container.serve

    def changed(container: Container, package: Any) -> None:
        name = f"emb_{label.split('_')[0]}"
        if name in package.embedders:
            package.embedders[name] = change(package.embedders[name])
        serve(container, package)

    monkeypatch.setattr(Container, "serve", changed)


def probe_texts(workspace: Workspace) -> list[str]:
    texts = read_probes(workspace.folder / "package" / "probes.jsonl").names
    return [" ".join(text.split()) for text in texts]


@pytest.mark.parametrize("cause", CHANGES)
def test_embedder_that_answers_otherwise_stays_out_unless_forced(
    workspace: Workspace, vespa: StandIn, monkeypatch: pytest.MonkeyPatch, cause: str
) -> None:
    workspace.set("deploy", min_overlap=0.0, max_loss=1.0)  # so that nothing else stops it
    packed(workspace)
    check(deploy(workspace))
    workspace.write_model(seed=2, query="query ")
    new = packed(workspace)
    tampered(monkeypatch, new, CHANGES[cause])
    message = (
        rf"{new}: Vespa's vector of the text (?P<text>.+) has cosine (?P<cosine>-?[01]\.\d{{4}}) "
        r"to the package's own, less than deploy\.min_cosine \(0\.999\); the live model serves as"
    )
    last = stays(workspace, vespa, message).output.rstrip("\n").split("\n")[-1]
    found = re.search(message, last)
    assert found is not None
    assert last.endswith("set FORCE=1")  # all of it on one line
    assert any(text.startswith(found["text"].strip("'\"")) for text in probe_texts(workspace))
    assert float(found["cosine"]) < 0.999
    monkeypatch.setenv("FORCE", "1")
    check(deploy(workspace))
    assert live(vespa) == new
    assert receipt(workspace)["forced"] is True
    assert receipt(workspace)["probes"]["min_cosine"] == pytest.approx(
        float(found["cosine"]), abs=1e-4
    )


@pytest.mark.usefixtures("vespa")
@pytest.mark.parametrize(
    ("kind", "dimensions"), [("float", 0), ("bfloat16", 8), ("binary", 0), ("binary", 8)]
)
def test_receipt_says_how_near_vespas_vectors_are(
    workspace: Workspace, kind: str, dimensions: int
) -> None:
    workspace.set("package", vector_type=kind, dimensions=dimensions)
    packed(workspace)
    probes = read_probes(workspace.folder / "package" / "probes.jsonl")
    np.testing.assert_allclose(np.linalg.norm(probes.vectors, axis=1), 1, rtol=1e-6)
    assert probes.vectors.shape == (len(probes.names), dimensions or 16)
    check(deploy(workspace))
    found = receipt(workspace)["probes"]
    assert found["texts"] == len(probes.names) >= 16
    assert 0.99999 < found["min_cosine"] <= 1.00001


def test_probes_are_the_same_again_and_none_is_blank(workspace: Workspace) -> None:
    path = workspace.folder / "package" / "probes.jsonl"
    packed(workspace)
    first = path.read_bytes()
    packed(workspace)
    assert path.read_bytes() == first
    probes = read_probes(path)
    assert all(text.strip() for text in probes.names)
    contents = {f"{title} {text}".strip() for title, text in TEXTS.values()}
    assert contents & set(probes.names)
    assert max(map(len, probes.names)) > 1000  # some are cut by the embedder


def test_package_without_probes_is_made_again(workspace: Workspace, vespa: StandIn) -> None:
    packed(workspace)
    (workspace.folder / "package" / "probes.jsonl").unlink()
    result = deploy(workspace)
    assert result.exit_code == 1
    assert "probes.jsonl: no such file; run dvc repro package" in result.output
    assert not vespa.requests


def test_vespa_that_refused_every_document_is_not_asked(
    workspace: Workspace, vespa: StandIn
) -> None:
    packed(workspace)
    workspace.set("deploy", min_overlap=0.0)
    vespa.rejects = set(TEXTS)
    check(deploy(workspace))
    assert not vespa.container.documents
    assert receipt(workspace)["probes"] == {
        "texts": 0,
        "min_cosine": None,
        "documents": 0,
        "documents_min_cosine": None,
    }


def without_document_prefix(embedder: Embedder) -> Embedder:
    return replace(embedder, prefixes={"query": embedder.prefixes["query"]})


def test_documents_that_are_embedded_otherwise_keep_a_model_out(
    workspace: Workspace, vespa: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    workspace.set("deploy", min_overlap=0.0, max_loss=1.0)
    packed(workspace)
    check(deploy(workspace))
    found = receipt(workspace)["probes"]
    assert found["documents"] == len(TEXTS)
    assert found["documents_min_cosine"] > 0.9999  # stored as bfloat16
    workspace.write_model(seed=2, query="query ", document="passage ")
    tampered(monkeypatch, packed(workspace), without_document_prefix)
    stays(
        workspace, vespa, r"vector of the document '.{2,3}' has cosine -?0\.\d{4} to the package's"
    )


@pytest.mark.usefixtures("vespa")
@pytest.mark.parametrize(("kind", "filling"), [("bfloat16", "fed"), ("binary", "vespa")])
def test_documents_are_left_out_where_no_cosine_of_vespas_own_is_stored(
    workspace: Workspace, kind: str, filling: str
) -> None:
    workspace.set("package", vector_type=kind, vectors=filling)
    packed(workspace)
    check(deploy(workspace))
    assert receipt(workspace)["probes"]["documents"] == 0


def test_document_that_vespa_refused_is_left_out(workspace: Workspace, vespa: StandIn) -> None:
    packed(workspace)
    vespa.rejects = {"a1"}
    workspace.set("deploy", min_overlap=0.0)
    check(deploy(workspace))
    assert receipt(workspace)["probes"]["documents"] == len(TEXTS) - 1
    assert receipt(workspace)["probes"]["documents_min_cosine"] > 0.9999
