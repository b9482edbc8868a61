import json
from pathlib import Path

import numpy as np
import pytest
from pyarrow import parquet

from stages.lib.encoding.portable import join_towers
from stages.lib.encoding.remote import write_record
from stages.lib.encoding.vectors import TRAINED, save_vectors
from stages.lib.params import read_params
from stages.lib.publishing.assembly import assemble
from tests.imports import ROOT
from tests.publishing.embedder import EMBEDDER

MODULE = {"idx": 0, "name": "0", "path": "", "type": "sentence_transformers.models.Transformer"}
VECTORS = np.eye(3, 4, dtype=np.float32)


@pytest.fixture
def outputs(tmp_path: Path) -> Path:
    """A model of two towers with its export and its vectors, of files that nobody reads here."""
    model = tmp_path / "model"
    for side in ("query", "document"):
        (model / side).mkdir(parents=True)
        (model / side / "modules.json").write_text(json.dumps([MODULE]))
        for variant in ("fp32", "fp16", "int8"):
            folder = tmp_path / "onnx" / side / variant
            folder.mkdir(parents=True)
            (folder / "model.onnx").write_text(f"{side} {variant}")
            (folder / "embedder.json").write_text(EMBEDDER.model_dump_json())
    join_towers(model)
    save_vectors(tmp_path / "vectors", VECTORS, ["a", "b", "c"], TRAINED)
    return tmp_path


def assembled(outputs: Path, *variants: str) -> Path:
    folder = outputs / "home"
    assemble(outputs / "model", outputs / "onnx", outputs / "vectors", variants, folder)
    return folder


def test_variants_that_were_refused_stay_behind(outputs: Path) -> None:
    folder = assembled(outputs, "fp32", "int8")
    for side in ("query", "document"):
        graphs = {path.name: path.read_text() for path in (folder / side / "onnx").iterdir()}
        assert graphs == {"model.onnx": f"{side} fp32", "model_int8.onnx": f"{side} int8"}


def test_trained_vectors_come_along_in_two_forms(outputs: Path) -> None:
    folder = assembled(outputs, "fp32") / "vectors"
    found = np.load(folder / "vectors.npy")
    np.testing.assert_array_equal(found, VECTORS)
    assert found.dtype == np.float32, "not all indices take halves"
    table = parquet.read_table(folder / "vectors.parquet").to_pydict()
    assert table == {"doc_id": ["a", "b", "c"], "vector": VECTORS.tolist()}
    assert json.loads((folder / "doc_ids.json").read_text()) == ["a", "b", "c"]


def test_vectors_that_an_encoder_gives_stay_behind(outputs: Path) -> None:
    save_vectors(outputs / "vectors", VECTORS, ["a", "b", "c"], "0123456789abcdef")
    assert not (assembled(outputs, "fp32") / "vectors").exists()


def test_an_endpoints_documents_are_data(outputs: Path) -> None:
    (outputs / "model" / "document" / "modules.json").unlink()
    named = read_params(ROOT / "params.yaml").documents.model_copy(update={"model": "embed-1"})
    write_record(outputs / "model" / "document", named)
    join_towers(outputs / "model")
    save_vectors(outputs / "vectors", VECTORS, ["a", "b", "c"], "0123456789abcdef")
    folder = assembled(outputs, "fp32")
    assert (folder / "vectors" / "vectors.npy").is_file()
    assert (folder / "query" / "onnx" / "model.onnx").is_file()
    assert [path.name for path in (folder / "document").iterdir()] == ["endpoint.json"]
