from pathlib import Path

import onnx
import pytest
from sentence_transformers import SentenceTransformer

from stages.lib.export.graph import export_graph
from stages.lib.params import Params
from tests.conftest import Change


@pytest.fixture(scope="package")
def bert(tiny_model: Path) -> SentenceTransformer:
    model = SentenceTransformer(str(tiny_model), device="cpu")
    model.max_seq_length = 32
    return model


@pytest.fixture(scope="package")
def graph(bert: SentenceTransformer) -> onnx.ModelProto:
    return export_graph(bert, 18)


@pytest.fixture
def short(with_params: Change) -> Params:
    return with_params({"encoder.max_length": 32, "export.texts": 2})
