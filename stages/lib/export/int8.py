"""Dynamic int8 quantisation in which measurement decides what stays in float.

Weights are int8 per output channel, activations uint8 per tensor with scales taken at run time,
embedding tables int8 per row. What each group of nodes costs is measured, and the groups that cost
most stay in float.

Weights use 7 of their 8 bits. x86 processors without VNNI add two products of an activation and a
weight in 16 bits, where larger ones than 32767 are cut off. Two of 255 times 64 are not, so that
every processor computes the same, and what is measured here holds where the model serves.
"""

import copy
import logging
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx
from onnxruntime.quantization import quantize_dynamic
from tqdm import tqdm

from stages.lib.encoding.encoder import Vectors
from stages.lib.export.nodes import MATRIX, node_groups, with_floats
from stages.lib.export.runtime import Ids, open_session, run_session
from stages.lib.export.smooth import smoothed, tables_by_row


@dataclass(frozen=True, slots=True)
class Quantised:
    """An int8 graph with how it came about."""

    graph: onnx.ModelProto
    agreement: float
    """Its agreement with the float graph on which texts are near to which."""
    kept: list[str]
    """Names of the nodes that stay in float."""


def quantise(
    graph: onnx.ModelProto,
    texts: Ids,
    pool: Callable[[Vectors], Vectors],
    least_agreement: float,
) -> Quantised:
    """Quantises a graph, with as many groups left in float as `least_agreement` asks for.

    What each group costs is what the agreement gains when it alone stays in float. The costs
    nearly add up, so that they say how many groups must stay; a measurement of the whole confirms
    it or takes one more.

    Args:
        graph: the graph in float32.
        texts: tokens of texts to measure with, three or more.
        pool: turns the graph's output for a text into its vector.
        least_agreement: the agreement that the int8 graph must reach.

    """
    expected = _vectors(graph, texts, pool)
    smooth = smoothed(tables_by_row(graph), texts)
    whole = _quantise_all(smooth)

    def measure(groups: Iterable[list[str]]) -> Quantised:
        kept = sorted(name for group in groups for name in group)
        mixed = with_floats(whole, smooth, kept)
        return Quantised(mixed, agreement(expected, _vectors(mixed, texts, pool)), kept)

    quantised = measure([])
    if quantised.agreement >= least_agreement:
        return quantised
    groups = [[node.name for node in nodes] for nodes in node_groups(smooth).values()]
    progress = tqdm(groups, desc="measure int8", unit="group", delay=2)
    gains = [measure([group]).agreement - quantised.agreement for group in progress]
    order = sorted(range(len(groups)), key=lambda index: (-gains[index], index))
    needed = np.cumsum([gains[index] for index in order]) < least_agreement - quantised.agreement
    for count in range(min(int(needed.sum()) + 1, len(order)), len(order) + 1):
        quantised = measure(groups[index] for index in order[:count])
        if quantised.agreement >= least_agreement:
            break
    return quantised


def agreement(expected: Vectors, actual: Vectors) -> float:
    """How alike the texts' similarities to the other texts are: the mean of their correlations.

    Unlike the cosine of a text's two vectors it does not count what all texts have in common, which
    is most of a vector in some models and changes no ranking.

    Args:
        expected: unit vectors by the float graph, a row a text.
        actual: those by the int8 graph.

    """
    others = ~np.eye(len(expected), dtype=bool)
    centred = expected - expected.mean(axis=0)
    rows = []
    for vectors in (expected, actual):
        similarities = (vectors @ centred.T)[others].reshape(len(expected), -1)
        similarities -= similarities.mean(axis=1, keepdims=True)
        lengths = np.linalg.norm(similarities, axis=1, keepdims=True)
        rows.append(similarities / np.maximum(lengths, 1e-12))
    return float((rows[0] * rows[1]).sum(axis=1).mean())


def _quantise_all(graph: onnx.ModelProto) -> onnx.ModelProto:
    with tempfile.TemporaryDirectory() as scratch, _quiet():
        path = Path(scratch) / "model.onnx"
        mixed = copy.deepcopy(graph)
        # weights are turned round where a layer is a Gemm, and shapes noted before would not fit
        weights = {weight.name for weight in mixed.graph.initializer}
        noted = [value for value in mixed.graph.value_info if value.name not in weights]
        del mixed.graph.value_info[:]
        mixed.graph.value_info.extend(noted)
        quantize_dynamic(
            mixed,
            path,
            op_types_to_quantize=[MATRIX],
            per_channel=True,
            reduce_range=True,
        )
        return onnx.load(path)


@contextmanager
def _quiet() -> Iterator[None]:
    # it advises an optimisation that the runtime does by itself when it loads a graph
    logging.disable(logging.WARNING)
    try:
        yield
    finally:
        logging.disable(logging.NOTSET)


def _vectors(graph: onnx.ModelProto, texts: Ids, pool: Callable[[Vectors], Vectors]) -> Vectors:
    session = open_session(graph)
    vectors = np.stack([pool(run_session(session, ids)) for ids in texts])
    unit: Vectors = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    return unit
