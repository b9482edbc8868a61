"""A query-side adapter: layers behind an embedder that itself stays as it is.

They take its vectors of queries nearer to the documents that answer them. Before training they
change nothing. All are sentence-transformers' own modules, so that nobody needs this project to use
them.
"""

from collections.abc import Callable, Mapping, Sequence

import numpy as np
import torch
from sentence_transformers.base.modules import Module
from sentence_transformers.sentence_transformer.modules import Dense, Normalize
from torch import Tensor, nn

from stages.lib.encoding.encoder import Vectors, device

Adapter = Sequence[Module]
"""Modules that a vector goes through; of any length before, of length 1 after."""


def _linear(width: int) -> list[Dense]:
    """A matrix and a bias, which begin as the identity."""
    return [_dense(torch.eye(width), nn.Identity())]


def _two_layers(width: int) -> list[Dense]:
    """Two matrices with a ReLU between; relu(x) - relu(-x) = x is where they begin."""
    both = torch.cat([torch.eye(width), -torch.eye(width)])
    return [_dense(both, nn.ReLU()), _dense(both.T.contiguous(), nn.Identity())]


KINDS: Mapping[str, Callable[[int], list[Dense]]] = {
    "linear": _linear,
    "two-layers": _two_layers,
}
"""The layers of each kind for vectors of so many dimensions."""


def identity(kind: str, width: int) -> Adapter:
    """An adapter that changes nothing yet.

    Args:
        kind: one of KINDS.
        width: the dimensions of the vectors.

    """
    return [Normalize(), *KINDS[kind](width), Normalize()]


def adapted(adapter: Adapter, vectors: Vectors) -> Vectors:
    """The vectors that an adapter makes of others, (texts, dimensions)."""
    where = device()
    with torch.inference_mode():
        features: dict[str, Tensor] = {
            "sentence_embedding": torch.from_numpy(np.array(vectors)).to(where)
        }
        for module in adapter:
            features = module.to(where)(features)
        found: Vectors = features["sentence_embedding"].cpu().numpy()
        return found


def _dense(weight: Tensor, activation: nn.Module) -> Dense:
    rows, columns = weight.shape
    return Dense(
        columns,
        rows,
        activation_function=activation,
        init_weight=weight.clone(),
        init_bias=torch.zeros(rows),
    )
