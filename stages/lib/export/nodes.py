"""Finds the nodes with weights in ONNX graphs, and puts others in their place."""

import copy
from collections.abc import Iterable, Sequence

import onnx

EMBEDDINGS = "Gather"
MATRIX = "MatMul"


def tables(graph: onnx.ModelProto) -> list[onnx.NodeProto]:
    """The nodes that look up rows of a float table: words, positions, token types."""
    weights = _matrices(graph)
    return [
        node
        for node in graph.graph.node
        if node.op_type == EMBEDDINGS
        and node.input[0] in weights
        and all(attribute.i == 0 for attribute in node.attribute)  # the axis is the only one
    ]


def node_groups(graph: onnx.ModelProto) -> dict[str, list[onnx.NodeProto]]:
    """The products with a weight matrix, by the activation that they read.

    Query, key and value projections share an activation, and with it its scale.
    """
    weights = _matrices(graph)
    groups: dict[str, list[onnx.NodeProto]] = {}
    for node in graph.graph.node:
        if node.op_type == MATRIX and node.input[1] in weights:
            groups.setdefault(node.input[0], []).append(node)
    return groups


def _matrices(graph: onnx.ModelProto) -> set[str]:
    return {
        weight.name
        for weight in graph.graph.initializer
        if len(weight.dims) == 2 and weight.data_type == onnx.TensorProto.FLOAT
    }


def with_floats(
    whole: onnx.ModelProto, graph: onnx.ModelProto, names: Sequence[str]
) -> onnx.ModelProto:
    """The quantised graph with these nodes as they are in the float graph."""
    mixed = copy.deepcopy(whole)
    floats = [node for node in graph.graph.node if node.name in set(names)]
    outputs = {name for node in floats for name in node.output}
    nodes = [node for node in mixed.graph.node if outputs.isdisjoint(node.output)]
    weights = {name for node in floats for name in node.input}
    present = {weight.name for weight in mixed.graph.initializer}
    mixed.graph.initializer.extend(
        weight for weight in graph.graph.initializer if weight.name in weights - present
    )
    replace_nodes(mixed.graph, [*nodes, *floats])
    return mixed


def replace_nodes(graph: onnx.GraphProto, nodes: Iterable[onnx.NodeProto]) -> None:
    """Replaces the graph's nodes by these, in an order that computes, without unused ones."""
    maker = {name: node for node in nodes for name in node.output if name}
    ordered: dict[int, onnx.NodeProto] = {}
    waiting = [(maker[output.name], False) for output in graph.output]
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
    weights = [weight for weight in graph.initializer if weight.name in used]
    kept = [copy.deepcopy(node) for node in ordered.values()]
    del graph.node[:]
    graph.node.extend(kept)
    del graph.initializer[:]
    graph.initializer.extend(weights)
