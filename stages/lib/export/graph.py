"""A model as an ONNX graph, in the form that Vespa's hugging-face-embedder wants.

One file; inputs `input_ids`, `attention_mask` and, only where the model has them,
`token_type_ids`; any batch and any length.
"""

import copy
import logging
import warnings
from typing import Any

import onnx
import torch
from onnxruntime.transformers.float16 import convert_float_to_float16
from sentence_transformers import SentenceTransformer
from sentence_transformers.sentence_transformer.modules import Pooling
from torch import Tensor, nn

from stages.lib.encoding.hub import require_size

OUTPUT = "last_hidden_state"
POOLED_OUTPUT = "sentence_embedding"


class _Tokens(nn.Module):
    """Token vectors, (batch, length, dimensions), after all modules before the pooling."""

    def __init__(self, model: SentenceTransformer, names: list[str]) -> None:
        super().__init__()
        self.transformer: Any = model[0].auto_model
        before, _ = split_at_pooling(model)
        self.before = nn.ModuleList(before)
        self.names = names

    def forward(self, *inputs: Tensor) -> Tensor:
        outputs = self.transformer(**dict(zip(self.names, inputs, strict=True)))
        features = {"token_embeddings": outputs.last_hidden_state}
        for module in self.before:
            features = module.forward(features)
        tokens: Tensor = features["token_embeddings"]
        return tokens


class _Pooled(_Tokens):
    """Text vectors, (batch, dimensions): all of the model's modules, in the graph."""

    def __init__(self, model: SentenceTransformer, names: list[str]) -> None:
        super().__init__(model, names)
        self.after = nn.ModuleList(split_at_pooling(model)[1])

    def forward(self, *inputs: Tensor) -> Tensor:
        mask = inputs[self.names.index("attention_mask")]
        features = {"token_embeddings": super().forward(*inputs), "attention_mask": mask}
        for module in self.after:
            features = module.forward(features)
        return nn.functional.normalize(features["sentence_embedding"], dim=1)


def split_at_pooling(model: SentenceTransformer) -> tuple[list[nn.Module], list[nn.Module]]:
    """What a model does to token vectors after its transformer, and what begins at its pooling."""
    modules = list(model)[1:]
    at = next((n for n, module in enumerate(modules) if isinstance(module, Pooling)), 0)
    return modules[:at], modules[at:]


def input_names(model: SentenceTransformer) -> list[str]:
    """The inputs of the model's graph; token types only where the model tells them apart."""
    transformer: Any = model[0].auto_model
    types = getattr(transformer.config, "type_vocab_size", 0) > 1
    return ["input_ids", "attention_mask", *(["token_type_ids"] if types else [])]


def export_graph(
    model: SentenceTransformer, opset: int, *, pooled: bool = False
) -> onnx.ModelProto:
    """The model as a graph.

    Args:
        model: on the CPU, in float32; it is not changed.
        opset: of ONNX.
        pooled: put pooling and normalisation into the graph as well.

    Raises:
        UserError: the model does not fit into one file.

    """
    require_size(sum(weight.numel() for weight in model.parameters()))
    names = input_names(model)
    model = copy.deepcopy(model).eval()
    transformer: Any = model[0].auto_model
    transformer.set_attn_implementation("eager")  # the plainest graph
    module = (_Pooled if pooled else _Tokens)(model, names).eval()
    graph = _trace(module, names, POOLED_OUTPUT if pooled else OUTPUT, opset)
    _plain_layer_norms(graph)
    return graph


def halved(graph: onnx.ModelProto) -> onnx.ModelProto:
    """The graph in float16, for GPUs; its output is float32 all the same."""
    half: onnx.ModelProto = convert_float_to_float16(copy.deepcopy(graph), keep_io_types=True)
    half.ir_version = graph.ir_version
    return half


def _trace(module: nn.Module, names: list[str], output: str, opset: int) -> onnx.ModelProto:
    ids = torch.full((2, 8), 3)
    mask = torch.ones_like(ids)
    mask[1, 5:] = 0
    examples = {"input_ids": ids, "attention_mask": mask, "token_type_ids": torch.zeros_like(ids)}
    axes = {0: torch.export.Dim("batch"), 1: torch.export.Dim("length")}
    # it tells of operators of packages that are not installed, which no model here has
    logging.getLogger("torch.onnx").setLevel(logging.ERROR)
    with warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter("ignore")  # about the names of axes, which stay as given
        program = torch.onnx.export(
            module,
            tuple(examples[name] for name in names),
            dynamo=True,
            verbose=False,
            input_names=names,
            output_names=[output],
            opset_version=opset,
            dynamic_shapes=((axes,) * len(names),),
        )
    assert program is not None  # noqa: S101 - dynamo=True returns it
    graph: onnx.ModelProto = program.model_proto
    graph.ir_version = 8  # what the runtimes of older servers read
    _forget_origin(graph)
    return graph


def _forget_origin(graph: onnx.ModelProto) -> None:
    """Drops the exporter's stack traces: they name paths, and bytes would depend on them."""
    del graph.metadata_props[:]
    del graph.graph.metadata_props[:]
    graph.doc_string = graph.graph.doc_string = ""
    values = (*graph.graph.input, *graph.graph.output, *graph.graph.value_info)
    for part in (*graph.graph.node, *values, *graph.graph.initializer):
        del part.metadata_props[:]
        part.doc_string = ""


def _plain_layer_norms(graph: onnx.ModelProto) -> None:
    """Writes the additions before layer norms as `Sum`, which computes the same.

    ONNX Runtime fuses `Add` and `LayerNormalization` into an operator that takes six times as
    long on a CPU as the two; it does not know the pattern with `Sum`.
    """
    normed = {node.input[0] for node in graph.graph.node if node.op_type == "LayerNormalization"}
    for node in graph.graph.node:
        if node.op_type == "Add" and node.output[0] in normed:
            node.op_type = "Sum"
