"""Changes a float graph so that it loses less in int8, and computes what it did.

Activations share one scale in int8, so that a channel with outliers leaves few levels to the
others. Such a channel is divided by a factor that its row of the weights takes over (SmoothQuant,
arXiv 2211.10438); weights have a scale for each output and bear that easily.
"""

import copy
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
from onnx import helper, numpy_helper

from stages.lib.export.nodes import node_groups, replace_nodes, tables
from stages.lib.export.runtime import Ids, open_session, run_outputs

STRENGTH = 0.5
"""A channel is divided by this power of its range. The paper divides by the weights' range as well,
which lost more than it won with the models that were measured."""

LEAST_SHARE = 0.01
"""Ranges below this share of the greatest are raised to it: other texts may have higher ones."""

TINY = 1e-9

Floats = npt.NDArray[np.float32]


def smoothed(graph: onnx.ModelProto, texts: Ids) -> onnx.ModelProto:
    """The graph with each activation's channels at similar ranges, as these texts show them."""
    mixed = copy.deepcopy(graph)
    ranges = channel_ranges(graph, texts)
    weights = {weight.name: weight for weight in mixed.graph.initializer}
    readers = [name for node in mixed.graph.node for name in node.input if name in weights]
    divisions: list[onnx.NodeProto] = []
    for activation, nodes in node_groups(mixed).items():
        if any(readers.count(node.input[1]) > 1 for node in nodes):
            continue  # weights that layers share, as in ALBERT, cannot take over two factors
        greatest = ranges[activation]
        factors = np.maximum(greatest, LEAST_SHARE * greatest.max() + TINY) ** STRENGTH
        divided, inverse = f"{activation}_smooth", f"{activation}_factors"
        mixed.graph.initializer.append(numpy_helper.from_array(1 / factors, inverse))
        divisions.append(helper.make_node("Mul", [activation, inverse], [divided], name=divided))
        for node in nodes:
            matrix = weights[node.input[1]]
            scaled = numpy_helper.to_array(matrix) * factors[:, None]
            matrix.CopyFrom(numpy_helper.from_array(scaled, matrix.name))
            node.input[0] = divided
    replace_nodes(mixed.graph, [*mixed.graph.node, *divisions])
    return mixed


def channel_ranges(graph: onnx.ModelProto, texts: Ids) -> dict[str, Floats]:
    """The greatest absolute value of each channel of the activations that matrices read."""
    watched = copy.deepcopy(graph)
    names = list(node_groups(graph))
    if not names:  # GPT-2's matrices are no MatMul: none is quantised
        return {}
    watched.graph.output.extend(
        helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, None) for name in names
    )
    session = open_session(watched)
    ranges: dict[str, Floats] = {}
    for ids in texts:
        for name, values in run_outputs(session, ids, names).items():
            greatest = abs(values).reshape(-1, values.shape[-1]).max(axis=0)
            ranges[name] = np.maximum(ranges.get(name, greatest), greatest)
    return ranges


def tables_by_row(graph: onnx.ModelProto) -> onnx.ModelProto:
    """The graph with its embedding tables in int8, with a scale for each row.

    One scale for a whole table would follow its greatest value and leave other rows coarse.
    """
    mixed = copy.deepcopy(graph)
    weights = {weight.name: weight for weight in mixed.graph.initializer}
    nodes = {node.output[0]: node for node in mixed.graph.node}
    for node in tables(mixed):
        table, rows, out = node.input[0], node.input[1], node.output[0]
        levels, scales = f"{table}_int8", f"{table}_scales"
        if levels not in weights:
            values = numpy_helper.to_array(weights[table])
            scale = np.maximum(abs(values).max(axis=1, keepdims=True), TINY) / 127
            for name, made in (
                (levels, np.rint(values / scale).astype(np.int8)),
                (scales, scale.astype(np.float32)),
            ):
                weights[name] = numpy_helper.from_array(made, name)
                mixed.graph.initializer.append(weights[name])
        steps: tuple[tuple[str, str, list[str], dict[str, Any]], ...] = (
            (f"{out}_int8", "Gather", [levels, rows], {}),
            (f"{out}_float", "Cast", [f"{out}_int8"], {"to": onnx.TensorProto.FLOAT}),
            (f"{out}_scales", "Gather", [scales, rows], {}),
            (out, "Mul", [f"{out}_float", f"{out}_scales"], {}),
        )
        for name, op, inputs, more in steps:
            nodes[name] = helper.make_node(op, inputs, [name], name=name, **more)
    replace_nodes(mixed.graph, nodes.values())
    return mixed
