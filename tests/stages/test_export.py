import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from stages.embed import main as embed
from stages.export import main as export
from stages.lib.core.collection import Document, Split, write_corpus, write_split
from stages.lib.encoding.portable import join_towers
from stages.lib.export.embedder import tower_folder
from stages.lib.export.folder import load_onnx
from stages.lib.params import Params
from tests.imports import ROOT

FRUITS = ["apple", "pear", "plum", "dog", "cat", "bird"]


@pytest.fixture
def collection(tmp_path: Path) -> Path:
    folder = tmp_path / "collection"
    write_corpus(
        folder / "corpus.jsonl", {each: Document(each, each, f"a red {each}") for each in FRUITS}
    )
    queries = {f"q-{each}": f"what is the {each}" for each in FRUITS}
    write_split(folder / "synthetic", Split(queries, {f"q-{each}": {each: 1} for each in FRUITS}))
    write_split(folder / "dev", Split())
    return folder


def test_a_tuned_query_tower_is_exported_beside_the_documents(
    tiny_model: Path,
    collection: Path,
    tmp_path: Path,
    with_params: Callable[[dict[str, Any]], Params],
) -> None:
    with_params({"encoder.max_length": 32, "export.texts": 2, "export.max_ndcg_loss": 1.0})
    model, vectors, out = tmp_path / "tuned", tmp_path / "vectors", tmp_path / "onnx"
    for tower in ("query", "document"):
        shutil.copytree(tiny_model, model / tower)
    join_towers(model)
    common = ["--corpus", collection / "corpus.jsonl", "--model", model]
    common += ["--params", tmp_path / "params.yaml"]
    arguments = [*common, "--vectors", vectors, "--out", out, "--metrics", tmp_path / "m.json"]
    arguments += ["--dev", collection / "dev", "--synthetic-dev", collection / "synthetic"]
    CliRunner().invoke(embed, [*map(str, common), "--out", str(vectors)], catch_exceptions=False)
    result = CliRunner().invoke(export, list(map(str, arguments)), catch_exceptions=False)
    assert result.exit_code == 0, result.output

    metrics = json.loads((tmp_path / "m.json").read_text())
    assert set(metrics["parity"]) == {"query", "document"}
    assert metrics["dev"]["by"] == "synthetic"
    assert metrics["dev"]["loss"]["queries"] == 6
    assert metrics["dev"]["documents"] == metrics["dev"]["queries"] == 6
    assert {variant: row["passed"] for variant, row in metrics["gate"].items()}["fp32"]
    assert load_onnx(tower_folder(out, "int8", "query")).get_embedding_dimension() == 32


def test_vectors_of_another_corpus_are_refused(
    tiny_model: Path,
    collection: Path,
    tmp_path: Path,
) -> None:
    vectors = tmp_path / "vectors"
    vectors.mkdir()
    (vectors / "doc_ids.json").write_text('["other"]')
    arguments = ["--corpus", collection / "corpus.jsonl", "--model", tiny_model]
    arguments += ["--dev", collection / "dev", "--synthetic-dev", collection / "synthetic"]
    arguments += ["--params", ROOT / "params.yaml"]
    arguments += ["--vectors", vectors, "--out", tmp_path / "o", "--metrics", tmp_path / "m.json"]
    result = CliRunner().invoke(export, list(map(str, arguments)))
    assert result.exit_code == 1
    assert "vectors of another corpus" in result.output
    assert not (tmp_path / "o").exists()
