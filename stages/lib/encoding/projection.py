"""A linear layer between a model's tokens and its pooling, which takes its vectors to others.

The layer has no bias, so that it commutes with a mean over tokens, or with taking one of them:
fitted by least squares to the vectors of texts, it serves for tokens. So the model stays one that
ends in its pooling, as servers want it.
"""

import numpy as np
import torch
from sentence_transformers import SentenceTransformer
from sentence_transformers.sentence_transformer.modules import Dense, Normalize, Pooling
from torch import nn

from stages.lib.core import seeds
from stages.lib.encoding.encoder import Vectors

RIDGE = 1.0
"""Keeps the least squares calm where texts are few."""
SHIFT_RIDGE = 0.3
"""The same for a shift: of 0.1 to 10, what predicts left-out documents' vectors best on each of six
collections (tests/bench/README.md)."""
FOLDS = 5
LINEAR = ("mean", "cls")


def fit(vectors: Vectors, targets: Vectors) -> Vectors:
    """The matrix, (dimensions, other dimensions), that takes vectors nearest to their targets."""
    return _solve(vectors, np.asarray(targets), RIDGE)


def fit_shift(vectors: Vectors, targets: Vectors) -> Vectors:
    """The same where both are of one space: what is not told from the targets stays as it is."""
    shift = _solve(vectors, np.asarray(targets) - vectors, SHIFT_RIDGE)
    matrix: Vectors = np.eye(len(shift), dtype=np.float32) + shift
    return matrix


def cross_fitted(vectors: Vectors, targets: Vectors, seed: int) -> Vectors:
    """The vectors, shifted by what was fitted without them: what unseen texts would get.

    Args:
        vectors: unit vectors, (texts, dimensions).
        targets: where they were moved to, of the same shape.
        seed: of the parts.

    Returns:
        Unit vectors, (texts, dimensions).

    """
    vectors = np.array(vectors)
    parts = seeds.generator(seed, "parts").permutation(len(vectors)) % FOLDS
    shifted = np.empty_like(vectors)
    for part in range(FOLDS):
        fitted = parts != part
        if fitted.any():
            matrix = fit_shift(vectors[fitted], targets[fitted])
            shifted[~fitted] = vectors[~fitted] @ matrix
    length = np.linalg.norm(shifted, axis=1, keepdims=True)
    unit: Vectors = shifted / np.maximum(length, 1e-12)
    return unit


def ends_in_pooling(model: SentenceTransformer) -> bool:
    """Whether all that a model does after its transformer is to pool linearly, and to normalise."""
    kept = [module for module in list(model)[1:] if not isinstance(module, Normalize)]
    return len(kept) == 1 and isinstance(kept[0], Pooling) and str(kept[0].pooling_mode) in LINEAR


def projected(model: SentenceTransformer, matrix: Vectors) -> SentenceTransformer:
    """A model whose vectors are those of another, times a matrix, at length 1.

    Args:
        model: one that `ends_in_pooling`; its transformer is shared.
        matrix: (its dimensions, the new dimensions).

    """
    transformer = model[0]
    pooling = next(module for module in model if isinstance(module, Pooling))
    layer = Dense(
        matrix.shape[0],
        matrix.shape[1],
        bias=False,
        activation_function=nn.Identity(),
        init_weight=torch.from_numpy(np.ascontiguousarray(matrix.T, np.float32)),
        module_input_name="token_embeddings",
    )
    ending = [layer, Pooling(matrix.shape[1], pooling.pooling_mode), Normalize()]
    wider = SentenceTransformer(modules=[transformer, *ending], device=str(model.device))
    wider.max_seq_length = model.max_seq_length
    return wider


def _solve(vectors: Vectors, targets: Vectors, ridge: float) -> Vectors:
    gram = vectors.T @ vectors + ridge * np.eye(vectors.shape[1], dtype=np.float32)
    matrix: Vectors = np.linalg.solve(gram, vectors.T @ targets).astype(np.float32)
    return matrix
