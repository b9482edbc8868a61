"""int8 on processors of another kind than the one that the tests run on."""

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
import pytest
from onnx.numpy_helper import to_array
from onnx.reference import ReferenceEvaluator
from onnx.reference.op_run import OpRun
from onnxruntime.quantization import quantize_dynamic
from sentence_transformers import SentenceTransformer

from stages.lib.encoding.encoder import Vectors, token_ids
from stages.lib.export.int8 import quantise
from stages.lib.export.runtime import open_session, run_session
from stages.lib.export.variants import pooling
from tests.export.kinds import TEXTS, Array, changed

Integers = npt.NDArray[Any]


def saturating(left: Integers, right: Integers) -> Integers:
    """The product as `pmaddubsw` makes it: pairs along the inner axis, cut off at 16 bits."""
    products = left[..., :, None].astype(np.int32) * right
    pairs = products.reshape(*products.shape[:-2], -1, 2, products.shape[-1]).sum(axis=-2)
    total: Integers = np.clip(pairs, -(2**15), 2**15 - 1).sum(axis=-2, dtype=np.int32)
    return total


class MatMulInteger(OpRun):
    """ONNX's operator on x86 processors without VNNI, which take the zero point off afterwards."""

    op_domain = ""

    def _run(
        self, left: Integers, right: Integers, left_zero: Integers, right_zero: Integers
    ) -> tuple[Integers]:
        assert not right_zero.any()
        offset = left_zero.astype(np.int32) * right.sum(axis=0, dtype=np.int32)
        return (saturating(left, right) - offset,)


@pytest.fixture(scope="module")
def even(graph: onnx.ModelProto) -> onnx.ModelProto:
    """A graph whose weights are as large as each other, as they seldom are: all pairs overflow."""

    def level(_: str, reader: str, weight: Array) -> None:
        if reader == "MatMul":
            weight[...] = 0.3 * np.sign(weight)

    return changed(graph, level)


@pytest.fixture(scope="module")
def int8(bert: SentenceTransformer, even: onnx.ModelProto) -> onnx.ModelProto:
    return quantise(even, token_ids(bert, TEXTS), pooling("mean"), 0.0).graph


def here(graph: onnx.ModelProto, model: SentenceTransformer) -> Vectors:
    session = open_session(graph)
    return unit([run_session(session, ids).mean(axis=0) for ids in token_ids(model, TEXTS)])


def by_reference(graph: onnx.ModelProto, model: SentenceTransformer, *ops: type[OpRun]) -> Vectors:
    evaluator = ReferenceEvaluator(graph, new_ops=list(ops))
    rows = []
    for ids in token_ids(model, TEXTS):
        row = np.asarray([ids])
        given = {"attention_mask": np.ones_like(row), "token_type_ids": np.zeros_like(row)}
        outputs: Any = evaluator.run(None, {"input_ids": row, **given})
        rows.append(outputs[0][0].mean(axis=0))
    return unit(rows)


def unit(rows: list[Any]) -> Vectors:
    vectors = np.stack(rows)
    normed: Vectors = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    return normed


def least_cosine(left: Vectors, right: Vectors) -> float:
    return float((left * right).sum(axis=1).min())


def test_pairs_of_products_saturate() -> None:
    left = np.array([[255, 255, 255, 1]], dtype=np.uint8)
    right = np.array([[127, 64], [127, 64], [-127, -64], [0, 0]], dtype=np.int8)
    # of 127: 32767 instead of 64770, less 32385; of 64: 32640 less 16320
    assert saturating(left, right).tolist() == [[32767 - 32385, 32640 - 16320]]


def test_no_pair_of_products_can_saturate(int8: onnx.ModelProto) -> None:
    weights = {each.name: to_array(each) for each in int8.graph.initializer}
    matrices = [node for node in int8.graph.node if node.op_type == "MatMulInteger"]
    assert len(matrices) == 12
    for node in matrices:
        matrix = weights[node.input[1]].astype(np.int32)
        assert matrix.max() > 32, "it would use fewer bits than it may"
        assert 255 * 2 * np.abs(matrix).max() < 2**15
        assert not weights[node.input[3]].any()


def test_integer_arithmetic_is_in_matrices_alone(int8: onnx.ModelProto) -> None:
    # tables are looked up and scaled, which adds no products
    readers = {
        node.op_type
        for node in int8.graph.node
        for each in int8.graph.initializer
        if each.name in node.input and each.data_type == onnx.TensorProto.INT8
    }
    assert readers == {"Gather", "MatMulInteger"}
    integer = {node.op_type for node in int8.graph.node if "Integer" in node.op_type}
    assert integer == {"MatMulInteger"}


def test_int8_is_the_same_on_processors_that_saturate(
    bert: SentenceTransformer, int8: onnx.ModelProto
) -> None:
    found = here(int8, bert)
    for vectors in (by_reference(int8, bert), by_reference(int8, bert, MatMulInteger)):
        assert least_cosine(found, vectors) > 0.9999
        assert ((found > 0) == (vectors > 0)).all()


def test_8_bits_would_not_be(
    bert: SentenceTransformer, even: onnx.ModelProto, tmp_path: Path
) -> None:
    path = tmp_path / "model.onnx"
    quantize_dynamic(even, path, op_types_to_quantize=["MatMul"], per_channel=True)
    whole = onnx.load(path)
    exact = by_reference(whole, bert)
    assert least_cosine(exact, by_reference(whole, bert, MatMulInteger)) < 0.99
