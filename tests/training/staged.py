"""Everything that the stage train reads, with a tiny model, and how to run it."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner, Result

from stages.lib.core.collection import (
    MEASURED_ON,
    Corpus,
    Document,
    Split,
    write_corpus,
    write_split,
)
from stages.lib.core.examples import Example
from stages.lib.core.files import write_json, write_jsonl
from stages.lib.encoding.encoder import encode, load_encoder
from stages.lib.encoding.vectors import save_vectors
from stages.train import main
from tests.conftest import Change

WORDS = "apple pear plum car bus train dog cat bird".split()  # noqa: SIM905
CORPUS: Corpus = {
    f"d{n:02}": Document(f"d{n:02}", "", f"the {colour} {word}")
    for n, (colour, word) in enumerate((c, w) for c in ("red", "green", "blue") for w in WORDS[:8])
}


@pytest.fixture
def training_project(tmp_path: Path, tiny_model: Path, with_params: Change) -> Path:
    """Everything that the stage reads; the teacher wants the next document."""
    settings = with_params(
        {
            "encoder.max_length": 16,
            "train.runs": 1,
            "train.epochs": 3,
            "train.batch_size": 8,
            "train.document_learning_rate": 3e-2,
        }
    )
    texts = [each.contents for each in CORPUS.values()]
    vectors = encode(load_encoder(tiny_model, settings.encoder), texts)
    save_vectors(tmp_path / "vectors", vectors, list(CORPUS), "test")
    (tmp_path / "distilled").mkdir()
    write_corpus(tmp_path / "corpus.jsonl", CORPUS)
    doc_ids = list(CORPUS)
    examples = []
    for number, doc_id in enumerate(doc_ids):
        wanted = doc_ids[(number + 1) % len(doc_ids)]
        ranking = {wanted: 3.0} | {each: -1.0 for each in doc_ids if each != wanted}
        text = "what is " + CORPUS[doc_id].text
        examples.append(Example(f"q{number}", text, ranking, (wanted,), (doc_id,)))
    rows = [each.row(CORPUS) for each in examples]
    for name, lines in (("train", rows), ("unlabelled", []), ("dev", rows)):
        write_jsonl(tmp_path / "mined" / f"{name}.jsonl", lines)
    write_json(tmp_path / "mined" / "teacher.json", {"teacher": "fusion"})
    queries = {each.query_id: each.query for each in examples}
    qrels = {each.query_id: {each.positives[0]: 1} for each in examples}
    write_split(tmp_path / "synthetic", Split(queries, qrels))
    write_split(tmp_path / "dev", Split({}, {}))
    write_split(tmp_path / "judged", Split({}, {}))
    (tmp_path / MEASURED_ON).write_text("test\n")
    return tmp_path


def options(training_project: Path, model: Path, processes: int) -> list[str]:
    paths = {
        "corpus": training_project / "corpus.jsonl",
        "mined": training_project / "mined",
        "dev": training_project / "dev",
        "synthetic-dev": training_project / "synthetic",
        "judged": training_project / "judged",
        "measured-on": training_project / MEASURED_ON,
        "model": model,
        "vectors": training_project / "vectors",
        "distilled": training_project / "distilled",
        "document-model": training_project / "document-model",
        "document-vectors": training_project / "document-vectors",
        "out": training_project / f"tuned-{processes}",
        "params": training_project / "params.yaml",
    }
    for name in ("fusion", "metrics", "curve", "gate"):
        paths[name] = training_project / f"{name}-{processes}.json"
    words = [word for name, path in paths.items() for word in (f"--{name}", str(path))]
    return [*words, "--processes", str(processes)]


def run(training_project: Path, model: Path) -> Result:
    """The stage in one process, which has to end well."""
    done = CliRunner().invoke(main, options(training_project, model, 1), catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return done


def trained(training_project: Path, processes: int) -> np.ndarray[Any, Any]:
    found: np.ndarray[Any, Any] = np.load(
        training_project / f"tuned-{processes}" / "vectors" / "vectors.npy"
    )
    return found
