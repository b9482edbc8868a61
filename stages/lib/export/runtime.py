"""ONNX graphs run by ONNX Runtime, as one of sentence-transformers' modules."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import torch
from torch import Tensor, nn

from stages.lib.encoding.encoder import Vectors
from stages.lib.errors import UserError

Ids = Sequence[Sequence[int]]
"""Tokens of texts."""


def open_session(model: Path | onnx.ModelProto) -> onnxruntime.InferenceSession:
    """A session on the CPU, with torch's number of threads, so that speeds can be compared."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = torch.get_num_threads()
    options.log_severity_level = 3
    source = model.SerializeToString() if isinstance(model, onnx.ModelProto) else os.fspath(model)
    try:
        return onnxruntime.InferenceSession(source, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # the library's errors have no common class
        name = model if isinstance(model, Path) else "the graph"
        raise UserError(
            f"{name}: ONNX Runtime cannot load it ({' '.join(str(error).split())[:200]}); "
            "run the stage export again"
        ) from error


def run_session(session: onnxruntime.InferenceSession, ids: Sequence[int]) -> Vectors:
    """The graph's output for one text: (length, dimensions), or (dimensions,) if it pools.

    Texts go one at a time, as Vespa does it: int8 takes its scales from all that is in a batch,
    so that a text's vector would depend on its neighbours.
    """
    output: Vectors = session.run(None, _inputs(session, ids))[0][0]
    return output


def run_outputs(
    session: onnxruntime.InferenceSession, ids: Sequence[int], names: Sequence[str]
) -> dict[str, Vectors]:
    """The named outputs of the graph for one text, each with an axis for the batch."""
    return dict(zip(names, session.run(names, _inputs(session, ids)), strict=True))


def _inputs(session: onnxruntime.InferenceSession, ids: Sequence[int]) -> dict[str, Any]:
    row = np.asarray([ids], dtype=np.int64)
    values = {
        "input_ids": row,
        "attention_mask": np.ones_like(row),
        "token_type_ids": np.zeros_like(row),
    }
    return {tensor.name: values[tensor.name] for tensor in session.get_inputs()}


class OnnxTransformer(nn.Module):
    """Takes the place of sentence-transformers' Transformer, with a graph instead of torch."""

    def __init__(self, path: Path, tokenizer: Any, max_tokens: int) -> None:
        super().__init__()
        self.session = open_session(path)
        self.tokenizer = tokenizer
        self.max_seq_length = max_tokens
        self.pools = len(self.session.get_outputs()[0].shape) == 2

    def forward(self, features: dict[str, Tensor], **_: Any) -> dict[str, Tensor]:
        """Adds `token_embeddings` or, if the graph pools, `sentence_embedding`."""
        ids, mask = features["input_ids"], features["attention_mask"].bool()
        vectors = [
            torch.from_numpy(run_session(self.session, row[kept].tolist()))
            for row, kept in zip(ids, mask, strict=True)
        ]
        if self.pools:
            return {**features, "sentence_embedding": torch.stack(vectors)}
        # padding on the right, whatever side the tokenizer pads on
        lengths = torch.tensor([len(tokens) for tokens in vectors])
        padded = nn.utils.rnn.pad_sequence(vectors, batch_first=True)
        shown = torch.arange(padded.shape[1]) < lengths[:, None]
        return {**features, "token_embeddings": padded, "attention_mask": shown.long()}
