"""A bigger model's documents, from its vectors to a tuned query encoder among them."""

import shutil
from pathlib import Path

import numpy as np
import pytest

from stages import distill, embed, embed_documents, export, mine, package, train
from stages.lib.core.collection import Split, write_corpus, write_qrels, write_split
from stages.lib.core.files import has_files, read_json
from stages.lib.core.generated import Generated, write_generated
from stages.lib.core.hashes import file_hash
from stages.lib.encoding.encoder import encode, load_encoder
from stages.lib.encoding.remote import write_record
from stages.lib.encoding.vectors import load_queries, load_vectors, save_vectors
from stages.lib.export.folder import load_exported
from stages.lib.params import read_params
from stages.study import saturation
from tests.conftest import Change
from tests.embedders.server import EmbeddingServer
from tests.imports import ROOT
from tests.stages.conftest import Run
from tests.teaching.mining import CORPUS, DEV, SHORT, TRAIN
from tests.tiny import make_tiny_model


@pytest.fixture
def project(tmp_path: Path, tiny_model: Path, with_params: Change) -> Path:
    """A corpus, synthetic queries, a base, and a wider model for documents."""
    settings = with_params(
        SHORT
        | {
            "documents.model": "documents",
            "documents.max_length": 32,
            "distill.batch_size": 8,
            "train.batch_size": 8,
            "train.runs": 1,
            "train.neighbours": 2,
        }
    )
    make_tiny_model(tmp_path / "wide", seed=1, width=48).rename(tmp_path / "documents")
    (tmp_path / "base").symlink_to(tiny_model)
    texts = [document.contents for document in CORPUS.values()]
    base = encode(load_encoder(tiny_model, settings.encoder), texts)
    save_vectors(tmp_path / "vectors", base, list(CORPUS), "test")
    write_corpus(tmp_path / "corpus.jsonl", CORPUS)
    (tmp_path / "measured_on.txt").write_text("test\n")
    write_split(tmp_path / "synthetic" / "train", TRAIN)
    write_split(tmp_path / "synthetic" / "dev", DEV)
    phrase = Generated("phrase", "blue-dog", "phrase", "dog blue")
    write_generated(tmp_path / "synthetic" / "unlabelled.jsonl", [phrase])
    write_split(tmp_path / "people", Split())
    write_split(tmp_path / "expanded", TRAIN)
    write_qrels(tmp_path / "expanded" / "ignored.tsv", {})
    return tmp_path


def prepared(run: Run) -> str:
    files = {"corpus": "corpus.jsonl", "model": "documents", "store": "store.jsonl"}
    run(embed_documents, **files, out="by_documents")
    return run(
        distill,
        **(files | {"model": "base"}),
        synthetic="synthetic",
        train="people",
        documents="documents",
        vectors="by_documents",
        out="distilled",
        queries="known",
        metrics="distill.json",
    )


def mined_and_trained(run: Run) -> None:
    by_documents = {"corpus": "corpus.jsonl", "document_vectors": "by_documents"}
    base = {"model": "base", "vectors": "vectors"}
    run(
        mine,
        **by_documents,
        model="not needed",
        vectors="not needed",
        synthetic="synthetic",
        train="people",
        expanded="expanded",
        known="known",
        cross_encoder="none",
        rankings="rankings",
        queries="mined_queries",
        language_model="none",
        answers="answers.jsonl",
        out="mined",
        metrics="mine.json",
    )
    run(
        train,
        **by_documents,
        **base,
        mined="mined",
        dev="people",
        synthetic_dev="synthetic/dev",
        judged="people",
        measured_on="measured_on.txt",
        distilled="distilled",
        document_model="documents",
        out="tuned",
        fusion="fusion.json",
        metrics="train.json",
        curve="curve.json",
        gate="gate.json",
    )


def test_a_query_encoder_is_tuned_among_another_models_documents(project: Path, run: Run) -> None:
    said = prepared(run)
    assert "distill: 8 texts; of 1 others" in said
    known = load_queries(project / "known")
    assert known.keys() == {*TRAIN.queries.values(), *DEV.queries.values(), "dog blue"}
    assert load_vectors(project / "by_documents", CORPUS).shape == (len(CORPUS), 48)
    assert not list(project.glob(".by_documents.*")), "nothing is left to go on from"
    mined_and_trained(run)
    query = load_encoder(project / "tuned" / "query", read_params(project / "params.yaml").encoder)
    assert encode(query, ["red car"]).shape == (1, 48)
    assert (project / "tuned" / "document" / "model.safetensors").is_file()
    assert read_json(project / "curve.json")[0]["name"] == "distilled"
    # the document encoder is the bigger model, fitted to where training moved the vectors
    assert (project / "tuned" / "vectors" / "fitted.json").is_file()
    document = load_encoder(
        project / "tuned" / "document", read_params(project / "params.yaml").documents.encoder
    )
    given = encode(document, [each.contents for each in CORPUS.values()])
    before, moved = (
        load_vectors(project / folder, CORPUS) for folder in ("by_documents", "tuned/vectors")
    )
    assert (given * moved).sum() > (before * moved).sum() + 0.01
    run(embed, corpus="corpus.jsonl", model="tuned", vectors="by_documents", out="again")
    assert load_vectors(project / "again", CORPUS).shape == (len(CORPUS), 48)


def test_without_another_model_all_is_empty(
    project: Path, run: Run, with_params: Change, tmp_path: Path
) -> None:
    with_params(SHORT)
    for file in (tmp_path / "documents").rglob("*"):
        if file.is_file():
            file.unlink()
    for folder in sorted((tmp_path / "documents").rglob("*"), reverse=True):
        folder.rmdir()
    assert "documents.model names no model" in prepared(run)
    assert not has_files(project / "distilled")
    assert not has_files(project / "by_documents")
    assert read_json(project / "distill.json") == {}


def test_known_queries_are_the_documents_models(project: Path, run: Run) -> None:
    prepared(run)
    settings = read_params(project / "params.yaml")
    wide = load_encoder(project / "documents", settings.documents.encoder)
    known = load_queries(project / "known")
    texts = sorted(known)
    np.testing.assert_allclose(
        np.array([known[text] for text in texts]), encode(wide, texts), atol=2e-2
    )


def test_saturation_trains_on_more_and_more(project: Path, run: Run) -> None:
    prepared(run)
    mined_and_trained(run)
    said = run(
        saturation,
        corpus="corpus.jsonl",
        mined="mined",
        dev="people",
        synthetic_dev="synthetic/dev",
        judged="people",
        test="synthetic/dev",
        model="base",
        vectors="vectors",
        distilled="distilled",
        document_vectors="by_documents",
        out="saturation",
    )
    rows = read_json(project / "saturation" / "saturation.json")
    queries = [row["queries"] for row in rows]
    assert queries == sorted(queries)
    assert queries[0] < queries[-1]
    assert queries[-1] == len(TRAIN.queries)
    assert rows[-1]["test"] == rows[-1]["synthetic"], "the same queries, measured alike"
    assert rows[-1]["test"]["n"] == len(DEV.queries)
    assert f"{queries[-1]} queries:" in said
    assert (project / "saturation" / "saturation.svg").read_text().startswith("<?xml")


def test_an_endpoints_documents_go_all_the_way(
    project: Path, run: Run, with_params: Change, embedding_server: EmbeddingServer
) -> None:
    """Its vectors are data wherever the base's document encoder would have been asked."""
    model = {"model": "embed-1", "provider": "openai", "dimensions": 48}
    changes = {f"documents.{key}": value for key, value in model.items()}
    settings = with_params(
        SHORT
        | changes
        | {"distill.batch_size": 8, "train.tower": "query", "package.variant": "fp32"}
    )
    shutil.rmtree(project / "documents")
    (project / "documents").mkdir()
    write_record(project / "documents", settings.documents)
    assert "8 texts; of 1 others" in prepared(run)
    mined_and_trained(run)
    files = {"corpus": "corpus.jsonl", "model": "tuned", "vectors": "by_documents"}
    run(embed, **files, out="vectors_tuned")
    by_documents, tuned = (
        load_vectors(project / folder, CORPUS) for folder in ("by_documents", "vectors_tuned")
    )
    np.testing.assert_array_equal(tuned, by_documents)
    run(
        export,
        **(files | {"vectors": "vectors_tuned"}),
        dev="people",
        synthetic_dev="synthetic/dev",
        out="onnx",
        metrics="export.json",
    )
    assert sorted(path.name for path in (project / "onnx").iterdir()) == ["query"]
    dense = load_exported(CORPUS, project / "onnx", "fp32", project / "vectors_tuned", settings)
    np.testing.assert_array_equal(dense.vectors, by_documents)
    package_files = {
        "corpus": "corpus.jsonl",
        "onnx": "onnx",
        "gate": "export.json",
        "vectors": "vectors_tuned",
        "fusion": "fusion.json",
        "templates": str(ROOT / "application-package"),
        "out": "package",
        "metrics": "package.json",
    }
    assert f"package: {len(CORPUS)} documents" in run(package, **package_files)
    # named by the vectors, since no model here gives them
    name = read_json(project / "package.json")["field"]
    assert name.startswith(f"embedding_{file_hash(project / 'vectors_tuned/vectors.npy', 12)}_")
    calls = embedding_server.stats["calls"]
    prepared(run)
    assert embedding_server.stats["calls"] == calls, "all is stored"
