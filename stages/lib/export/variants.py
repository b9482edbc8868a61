"""An encoder's variants: fp32, fp16 and int8 on disk, each measured against torch."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from sentence_transformers import SentenceTransformer

from stages.lib.encoder_params import Encoder, Export
from stages.lib.encoding.encoder import Vectors, token_ids
from stages.lib.export.folder import describe, load_onnx, save_variant, served_tokenizer
from stages.lib.export.graph import export_graph, halved
from stages.lib.export.int8 import quantise
from stages.lib.export.parity import HARD_TEXTS, parity, unit_vectors

VARIANTS = ("fp32", "fp16", "int8")


def export_variants(
    model: SentenceTransformer,
    texts: Sequence[str],
    folder: Path,
    encoder: Encoder,
    params: Export,
) -> dict[str, dict[str, Any]]:
    """Writes an encoder's variants, a folder each, and measures them.

    Args:
        model: the encoder, on the CPU.
        texts: what int8 is measured with, prefixes included; parity takes hard texts as well.
        folder: gets a folder for each variant.
        encoder: what a server must be told.
        params: how to export.

    Returns:
        By variant: cosines to torch, bytes, and of int8 its agreement with the float graph and the
        nodes that stay in float.

    """
    tokenizer = served_tokenizer(model)
    graph = export_graph(model, params.opset, pooled=params.pooled)
    settings = describe(model, graph, "fp32", encoder)
    save_variant(folder / "fp32", graph, tokenizer, settings)
    fp16, int8 = (settings.model_copy(update={"variant": name}) for name in ("fp16", "int8"))
    save_variant(folder / "fp16", halved(graph), tokenizer, fp16)
    quantised = quantise(
        graph,
        token_ids(model, texts),
        pooling(settings.pooling),
        params.int8_agreement,
    )
    save_variant(folder / "int8", quantised.graph, tokenizer, int8)
    checked = [*HARD_TEXTS, *texts]
    expected = unit_vectors(model, checked)
    rows: dict[str, dict[str, Any]] = {}
    for variant in VARIANTS:
        exported = load_onnx(folder / variant)
        rows[variant] = {
            **parity(expected, unit_vectors(exported, checked), checked).row,
            "bytes": (folder / variant / "model.onnx").stat().st_size,
        }
    rows["int8"] |= {"agreement": round(quantised.agreement, 6), "nodes_in_float": quantised.kept}
    return rows


def pooling(mode: str) -> Callable[[Vectors], Vectors]:
    """The function that makes a text's vector from the graph's output, by the pooling's name."""
    modes: dict[str, Callable[[Vectors], Vectors]] = {
        "mean": lambda tokens: tokens.mean(axis=0),
        "cls": lambda tokens: tokens[0],
        "none": lambda vector: vector,
    }
    return modes[mode]
