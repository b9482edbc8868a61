"""The kinds of base models with small random weights, and what their graphs give for texts."""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy.typing as npt
import onnx
import onnx.numpy_helper
from sentence_transformers import SentenceTransformer
from sentence_transformers.sentence_transformer.modules import (
    Dense,
    Normalize,
    Pooling,
    Transformer,
)
from transformers import (
    AutoModel,
    AutoTokenizer,
    BertConfig,
    Gemma3TextConfig,
    GteConfig,
    ModernBertConfig,
    MPNetConfig,
    NomicBertConfig,
    PretrainedConfig,
    XLMRobertaConfig,
    set_seed,
)

from stages.lib.encoding.encoder import token_ids
from stages.lib.export.runtime import open_session, run_session
from tests.tiny import WORDS

Array = npt.NDArray[Any]
TEXTS = ["red apple", "what is the color of a plum", "a dog and a cat on the bus " * 9, "bird"]


@dataclass(frozen=True)
class Kind:
    """A kind of base model: what its transformer is, how it pools, whether it has token types."""

    config: PretrainedConfig
    pooling: str
    token_types: bool
    widths: tuple[int, ...] = ()
    """Those of linear layers after the pooling."""


SIZES: dict[str, Any] = {
    "hidden_size": 32,
    "intermediate_size": 64,
    "num_hidden_layers": 1,
    "num_attention_heads": 2,
    "max_position_embeddings": 64,
    "vocab_size": len(WORDS) + 4,
    "pad_token_id": 0,
}
ALTERNATING = SIZES | {"num_hidden_layers": 2}
"""Of kinds whose layers are of two sorts: one of each."""

KINDS: dict[str, Kind] = {
    "MiniLM, E5, GTE": Kind(BertConfig(**SIZES), "mean", token_types=True),
    "BGE": Kind(BertConfig(**SIZES), "cls", token_types=True),
    "multilingual E5": Kind(XLMRobertaConfig(**SIZES, type_vocab_size=1), "mean", False),
    "BGE-M3": Kind(XLMRobertaConfig(**SIZES, type_vocab_size=1), "cls", False),
    "ModernBERT, new GTE": Kind(
        ModernBertConfig(
            **ALTERNATING, local_attention=8, cls_token_id=2, sep_token_id=3, bos_token_id=2
        ),
        "cls",
        token_types=False,
    ),
}

MORE: dict[str, Kind] = {
    "Nomic": Kind(NomicBertConfig(**SIZES), "mean", token_types=True),
    "multilingual GTE": Kind(GteConfig(**SIZES, type_vocab_size=1), "cls", token_types=False),
    "MPNet": Kind(MPNetConfig(**SIZES), "mean", token_types=False),
    # it looks both ways, near and far in turn, and ends in two linear layers
    "EmbeddingGemma": Kind(
        Gemma3TextConfig(
            **ALTERNATING,
            num_key_value_heads=1,
            head_dim=16,
            sliding_window=8,
            layer_types=["sliding_attention", "full_attention"],
            use_bidirectional_attention=True,
        ),
        "mean",
        token_types=False,
        widths=(64, 32),
    ),
}


def make_model(kind: Kind, tiny_model: Path, folder: Path) -> Path:
    """A random model of a kind, with the tiny model's tokenizer."""
    set_seed(0)
    AutoModel.from_config(kind.config).save_pretrained(  # type: ignore[no-untyped-call]
        folder / "transformer"
    )
    AutoTokenizer.from_pretrained(tiny_model).save_pretrained(folder / "transformer")
    transformer = Transformer(str(folder / "transformer"), max_seq_length=32)
    layers = [Dense(*each) for each in pairwise((32, *kind.widths))]
    modules = [transformer, Pooling(32, kind.pooling), *layers, Normalize()]
    SentenceTransformer(modules=modules, device="cpu").save(
        str(folder / "model"), create_model_card=False
    )
    return folder / "model"


def changed(graph: onnx.ModelProto, change: Callable[[str, str, Array], None]) -> onnx.ModelProto:
    """A copy of a graph with other weights: exporting another model takes much longer.

    Args:
        graph: an exported one.
        change: changes a weight in place, given its name and the operator that reads it.

    """
    copied = onnx.ModelProto()
    copied.CopyFrom(graph)
    readers = {name: node.op_type for node in copied.graph.node for name in node.input}
    for each in copied.graph.initializer:
        weight = onnx.numpy_helper.to_array(each).copy()
        change(each.name, readers.get(each.name, ""), weight)
        each.CopyFrom(onnx.numpy_helper.from_array(weight, each.name))
    return copied


def outputs(graph: onnx.ModelProto, model: SentenceTransformer) -> list[Any]:
    session = open_session(graph)
    return [run_session(session, ids) for ids in token_ids(model, TEXTS)]
