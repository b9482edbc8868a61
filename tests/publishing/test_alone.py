"""A model's folder needs nothing of the project."""

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from stages.lib.core.collection import Document, write_corpus, write_qrels, write_queries
from stages.lib.encoding.encoder import encode, load_encoder, towers
from stages.lib.encoding.portable import declare, join_towers
from stages.lib.search.engine import Dense, Embedded
from stages.lib.search.metrics import ndcg
from tests.conftest import Change
from tests.tiny import WORDS, make_tiny_model

ALONE = Path(__file__).with_name("alone.py")


def measure_alone(model: Path, collection: Path, cwd: Path) -> dict[str, Any]:
    """What sentence-transformers alone makes of a model's folder."""
    files = [collection / name for name in ("corpus.jsonl", "test/queries.jsonl", "test/qrels.tsv")]
    done = subprocess.run(
        [sys.executable, "-I", str(ALONE), str(model), *map(str, files)],
        cwd=cwd,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


@pytest.mark.parametrize("tower", ["query", "full"])
def test_the_same_figure_without_the_project(
    tower: str, tiny_model: Path, tmp_path: Path, with_params: Change
) -> None:
    prefixes = {"encoder.query_prefix": "what is ", "encoder.document_prefix": "the "}
    settings = with_params(prefixes | {"encoder.max_length": 16})
    folder, collection = tmp_path / "model", tmp_path / "collection"
    if tower == "query":
        shutil.copytree(make_tiny_model(tmp_path, seed=1), folder / "query")
        shutil.copytree(tiny_model, folder / "document")
        join_towers(folder)
    else:
        shutil.copytree(tiny_model, folder)
    declare(folder, settings.encoder, settings.encoder)
    pairs = [f"{one} {other}" for one in WORDS for other in WORDS]
    corpus = {text.replace(" ", "-"): Document("", text, f"a {text}") for text in pairs}
    corpus = {each: Document(each, d.title, d.text) for each, d in corpus.items()}
    queries = {f"q{n:02}": f"{word} of {word}" for n, word in enumerate(WORDS)}
    qrels = {
        query_id: {each: 1 + (each == f"{word}-{word}") for each in corpus if word in each}
        for query_id, word in zip(queries, WORDS, strict=True)
    }
    write_corpus(collection / "corpus.jsonl", corpus)
    write_queries(collection / "test" / "queries.jsonl", queries)
    write_qrels(collection / "test" / "qrels.tsv", qrels)
    query, document = (load_encoder(each, settings.encoder) for each in towers(folder))
    doc_ids = sorted(corpus)
    vectors = encode(document, [corpus[each].contents for each in doc_ids], "the ")
    run = Embedded(Dense(doc_ids, vectors, query, "what is ")).search(queries, 10)
    found = measure_alone(folder, collection, tmp_path)
    assert found["project"] == []
    # the project computes in bfloat16 where the processor has it
    assert found["ndcg"] == pytest.approx(ndcg(run, qrels), abs=0.02)
    assert 0.05 < found["ndcg"] < 1
