"""Dynamic int8 quantisation in which measurement decides what stays in float.

Weights are int8 per output channel, activations uint8 per tensor with scales taken at run time.
An activation with outliers loses its small values in that, which can ruin a model; so it
is measured what each group of nodes costs, and the groups that cost most stay in float.
"""

import copy
import logging
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx
from onnxruntime.quantization import quantize_dynamic
from tqdm import tqdm

from stages.lib.encoder import Vectors
from stages.lib.onnx_runtime import open_session, run_session

Ids = Sequence[Sequence[int]]
"""Tokens of texts."""


@dataclass(frozen=True, slots=True)
class Quantised:
    """An int8 graph with how it came about."""

    graph: onnx.ModelProto
    cosine: float
    """Mean cosine to the float graph over the texts."""
    kept: list[str]
    """Names of the nodes that stay in float."""


def quantise(
    graph: onnx.ModelProto,
    texts: Ids,
    pool: Callable[[Vectors], Vectors],
    least_cosine: float,
    reduce_range: bool,
) -> Quantised:
    """Quantises a graph, with as many groups left in float as `least_cosine` asks for.

    What each group costs is what the mean cosine gains when it alone stays in float. The costs
    nearly add up, so that they say how many groups must stay; a measurement of the whole confirms
    it or takes one more.

    Args:
        graph: in float32.
        texts: tokens of texts to measure with.
        pool: makes a text's vector of the graph's output.
        least_cosine: that the mean cosine to the float graph must reach.
        reduce_range: 7 bits for weights, for processors without VNNI.

    """
    expected = _vectors(graph, texts, pool)
    whole = _quantise_all(graph, reduce_range)

    def measure(groups: Iterable[list[str]]) -> Quantised:
        kept = sorted(name for group in groups for name in group)
        mixed = with_floats(whole, graph, kept)
        cosines = (_vectors(mixed, texts, pool) * expected).sum(axis=1)
        return Quantised(mixed, float(cosines.mean()), kept)

    found = measure([])
    if found.cosine >= least_cosine:
        return found
    groups = node_groups(graph)
    progress = tqdm(groups, desc="measure int8", unit="group", delay=2)
    gains = [measure([group]).cosine - found.cosine for group in progress]
    order = sorted(range(len(groups)), key=lambda index: (-gains[index], index))
    needed = np.cumsum([gains[index] for index in order]) < least_cosine - found.cosine
    for count in range(min(int(needed.sum()) + 1, len(order)), len(order) + 1):
        found = measure(groups[index] for index in order[:count])
        if found.cosine >= least_cosine:
            break
    return found


def with_floats(
    whole: onnx.ModelProto, graph: onnx.ModelProto, names: Sequence[str]
) -> onnx.ModelProto:
    """The quantised graph with these nodes as they are in the float graph."""
    mixed = copy.deepcopy(whole)
    floats = [node for node in graph.graph.node if node.name in set(names)]
    outputs = {name for node in floats for name in node.output}
    nodes = [node for node in mixed.graph.node if outputs.isdisjoint(node.output)]
    weights = {name for node in floats for name in node.input}
    present = {each.name for each in mixed.graph.initializer}
    mixed.graph.initializer.extend(
        each for each in graph.graph.initializer if each.name in weights - present
    )
    _replace_nodes(mixed.graph, [*nodes, *floats])
    return mixed


def _replace_nodes(graph: onnx.GraphProto, nodes: list[onnx.NodeProto]) -> None:
    """Puts these nodes into the graph, in an order that computes, without unused ones."""
    maker = {name: node for node in nodes for name in node.output if name}
    ordered: dict[int, onnx.NodeProto] = {}
    waiting = [(maker[each.name], False) for each in graph.output]
    while waiting:
        node, inputs_done = waiting.pop()
        if id(node) in ordered:
            continue
        if inputs_done:
            ordered[id(node)] = node
            continue
        waiting.append((node, True))
        waiting.extend((maker[name], False) for name in node.input if name in maker)
    used = {name for node in ordered.values() for name in node.input}
    weights = [each for each in graph.initializer if each.name in used]
    kept = [copy.deepcopy(node) for node in ordered.values()]
    del graph.node[:]
    graph.node.extend(kept)
    del graph.initializer[:]
    graph.initializer.extend(weights)


def node_groups(graph: onnx.ModelProto) -> list[list[str]]:
    """Nodes with weights that can be quantised, together where they read the same activation.

    Query, key and value projections share an input, and with it its scale; the embedding tables
    are one group.
    """
    weights = {each.name for each in graph.graph.initializer if len(each.dims) == 2}
    groups: dict[str, list[str]] = {}
    for node in graph.graph.node:
        if node.op_type == "MatMul" and node.input[1] in weights:
            groups.setdefault(node.input[0], []).append(node.name)
        elif node.op_type == "Gather" and node.input[0] in weights:
            groups.setdefault("embeddings", []).append(node.name)
    return list(groups.values())


def _quantise_all(graph: onnx.ModelProto, reduce_range: bool) -> onnx.ModelProto:
    with tempfile.TemporaryDirectory() as scratch, _quiet():
        path = Path(scratch) / "model.onnx"
        quantize_dynamic(
            copy.deepcopy(graph),
            path,
            op_types_to_quantize=["MatMul", "Gather"],
            per_channel=True,
            reduce_range=reduce_range,
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
