"""The stage mine on a small project, for its tests."""

import re
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from stages.lib.core.collection import (
    Corpus,
    Document,
    Qrels,
    Split,
    write_corpus,
    write_qrels,
    write_split,
)
from stages.lib.core.examples import Mined, read_mined
from stages.lib.core.generated import Generated, write_generated
from stages.lib.encoding.encoder import encode, load_encoder
from stages.lib.encoding.vectors import save_vectors
from stages.mine import main
from tests.conftest import Change

THINGS = "apple bus car cat dog pear plum train".split()  # noqa: SIM905
CORPUS: Corpus = {
    f"{colour}-{thing}": Document(f"{colour}-{thing}", "", f"the {colour} {thing}")
    for colour in ("blue", "green", "red")
    for thing in THINGS
}
SHORT: dict[str, Any] = {
    "encoder.max_length": 16,
    "embed.sentences": False,
    "mine.depth": len(CORPUS),
    "mine.cross_encoder_tokens": 32,
    "mine.cross_encoder_depth": 5,
}


def written_for(*doc_ids: str) -> Split:
    """A question for each document, in other words than its own."""
    queries = {f"q-{doc_id}": f"what of {CORPUS[doc_id].text}" for doc_id in doc_ids}
    return Split(queries, {f"q-{doc_id}": {doc_id: 1} for doc_id in doc_ids})


TRAIN = written_for(*(f"red-{thing}" for thing in THINGS))
DEV = written_for(*(f"green-{thing}" for thing in THINGS))


@pytest.fixture
def mining_project(tmp_path: Path, tiny_model: Path, with_params: Change) -> Path:
    """Everything that the stage reads; nobody judged anything."""
    settings = with_params(SHORT)
    texts = [document.contents for document in CORPUS.values()]
    vectors = encode(load_encoder(tiny_model, settings.encoder), texts)
    save_vectors(tmp_path / "vectors", vectors, list(CORPUS), "test")
    write_corpus(tmp_path / "corpus.jsonl", CORPUS)
    synthetic = tmp_path / "synthetic"
    write_split(synthetic / "train", TRAIN)
    write_split(synthetic / "dev", DEV)
    phrase = Generated("phrase", "blue-dog", "phrase", "dog blue")
    write_generated(synthetic / "unlabelled.jsonl", [phrase])
    write_split(tmp_path / "train", Split())
    expand(tmp_path, {}, {})
    (tmp_path / "known").mkdir()
    return tmp_path


def expand(mining_project: Path, found: Qrels, ignored: Qrels) -> None:
    """What a judge says beside the documents that queries were written for."""
    write_split(mining_project / "expanded", Split(TRAIN.queries, TRAIN.qrels | found))
    write_qrels(mining_project / "expanded" / "ignored.tsv", ignored)


def run(mining_project: Path, model: Path) -> Result:
    paths = {
        "corpus": "corpus.jsonl",
        "synthetic": "synthetic",
        "train": "train",
        "expanded": "expanded",
        "vectors": "vectors",
        "cross-encoder": "cross-encoder",
        "language-model": "language-model",
        "answers": "answers.jsonl",
        "document-vectors": "document-vectors",
        "known": "known",
        "rankings": "rankings",
        "queries": "mined-vectors",
        "out": "mined",
        "metrics": "mine.json",
        "params": "params.yaml",
    }
    options = [
        part for name, path in paths.items() for part in (f"--{name}", mining_project / path)
    ]
    return CliRunner().invoke(
        main, [*map(str, options), "--model", str(model)], catch_exceptions=False
    )


def mined(mining_project: Path, model: Path) -> Mined:
    result = run(mining_project, model)
    assert result.exit_code == 0, result.output
    (line,) = result.stdout.splitlines()
    assert line.startswith("mine: ")
    return read_mined(mining_project / "mined")


def anew(mining_project: Path, model: Path) -> int:
    """How many queries the teacher itself ranked, as the stage says."""
    result = run(mining_project, model)
    assert result.exit_code == 0, result.output
    (number,) = re.findall(r"(\d+) queries ranked anew", result.stdout)
    return int(number)
