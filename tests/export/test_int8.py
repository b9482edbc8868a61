"""int8: which nodes stay in float, and what makes the others lose less."""

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
import torch
from sentence_transformers import SentenceTransformer
from sentence_transformers.sentence_transformer.modules import Dense, Normalize, Pooling

from stages.lib.encoding.encoder import token_ids
from stages.lib.export.graph import export_graph
from stages.lib.export.int8 import Quantised, agreement, quantise
from stages.lib.export.nodes import node_groups, tables, with_floats
from stages.lib.export.parity import unit_vectors
from stages.lib.export.smooth import channel_ranges, smoothed, tables_by_row
from stages.lib.export.variants import pooling
from tests.export.kinds import TEXTS, Array, changed, outputs


def test_projections_that_read_the_same_are_one_group(graph: onnx.ModelProto) -> None:
    # of each of two layers: query, key and value, their output, up, down
    assert sorted(map(len, node_groups(graph).values())) == [1, 1, 1, 1, 1, 1, 3, 3]
    assert len(tables(graph)) == 3


def test_layers_behind_the_pooling_are_quantised_too(bert: SentenceTransformer) -> None:
    layers = [Pooling(32, "mean"), Dense(32, 64), Dense(64, 32), Normalize()]
    model = SentenceTransformer(modules=[bert[0], *layers], device="cpu")
    model.max_seq_length = 32
    made = quantise(
        export_graph(model, 18, pooled=True), token_ids(model, TEXTS), pooling("none"), 0.0
    )
    wanted = unit_vectors(model, TEXTS)
    assert (np.stack(outputs(made.graph, model)) * wanted).sum(axis=1).min() > 0.99


def test_higher_agreement_keeps_more_in_float(
    bert: SentenceTransformer, graph: onnx.ModelProto
) -> None:
    ids = token_ids(bert, TEXTS)

    def quantised(least: float) -> Quantised:
        return quantise(graph, ids, pooling("mean"), least)

    # 1 is more than any int8 reaches, so that everything that may stay in float does
    loose, exact = quantised(0.0), quantised(1.1)
    assert loose.kept == []
    assert len(exact.kept) > 1
    assert exact.agreement == pytest.approx(1, abs=1e-5)


def test_a_node_kept_in_float_leaves_no_int8_behind(
    bert: SentenceTransformer, graph: onnx.ModelProto
) -> None:
    everything = [node.name for group in node_groups(graph).values() for node in group]
    whole = quantise(graph, token_ids(bert, TEXTS), pooling("mean"), 0.0).graph
    integer = {"MatMulInteger", "DynamicQuantizeLinear"}
    assert integer <= {node.op_type for node in whole.graph.node}
    floats = with_floats(whole, graph, everything)
    assert integer.isdisjoint(node.op_type for node in floats.graph.node)
    expected = outputs(tables_by_row(graph), bert)
    for found, each in zip(outputs(floats, bert), expected, strict=True):
        assert np.abs(found - each).max() < 1e-5


def test_rows_of_tables_have_scales_of_their_own(
    bert: SentenceTransformer, graph: onnx.ModelProto
) -> None:
    node = tables(graph)[0]

    def loud(name: str, _: str, weight: Array) -> None:
        if name == node.input[0]:
            weight[0] *= 1000  # padding, which no text shows

    by_row = tables_by_row(changed(graph, loud))
    assert node.input[0] not in {each.name for each in by_row.graph.initializer}
    for found, expected in zip(outputs(by_row, bert), outputs(graph, bert), strict=True):
        assert np.abs(found - expected).max() < 0.05


def test_outliers_move_into_the_weights(tiny_model: Path) -> None:
    model = SentenceTransformer(str(tiny_model), device="cpu")
    model.max_seq_length = 32
    with torch.no_grad():
        bert: Any = model[0].auto_model
        for layer in bert.encoder.layer:
            layer.attention.output.LayerNorm.weight[3] = 40
    graph, ids = export_graph(model, 18), token_ids(model, TEXTS)
    smooth = smoothed(graph, ids)
    for found, expected in zip(outputs(smooth, model), outputs(graph, model), strict=True):
        assert np.abs(found - expected).max() < 1e-4

    def unevenness(of: onnx.ModelProto) -> float:
        return max(float(each.max() / np.median(each)) for each in channel_ranges(of, ids).values())

    assert unevenness(smooth) < 0.5 * unevenness(graph)


def test_agreement_leaves_out_what_all_texts_share() -> None:
    own = np.eye(5, 8, dtype=np.float32) + np.tri(5, 8, -1, dtype=np.float32)
    shared = np.full((1, 8), 50, dtype=np.float32)
    texts, mixed = own + shared, own[::-1] + shared
    texts, mixed = (each / np.linalg.norm(each, axis=1, keepdims=True) for each in (texts, mixed))
    assert (texts * mixed).sum(axis=1).min() > 0.999, "cosines see no difference"
    assert agreement(texts, texts) == pytest.approx(1)
    assert agreement(texts, mixed) < 0.5
