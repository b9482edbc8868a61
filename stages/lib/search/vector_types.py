"""The types in which documents' vectors may be stored: bytes against quality.

Queries stay in float32 in all of them, as in Vespa.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from stages.lib.encoding.encoder import Vectors
from stages.lib.package_params import Package
from stages.lib.search.engine import Dense

Store = Callable[[Vectors], Any]
"""Gives what is stored of the documents' unit vectors, a row a document."""

Score = Callable[[Vectors, Any], Vectors]
"""Gives the scores of each query, a row, for each stored document, a column."""


@dataclass(frozen=True, slots=True)
class VectorType:
    """A way to store a document's vector."""

    name: str
    bytes: int
    """The size of one document's vector."""
    store: Store
    score: Score


def vector_types(dimension: int, rerank: int = 100) -> list[VectorType]:
    """The ways to store a vector, largest first.

    Prefixes keep the first half and quarter of the dimensions: they do well for models trained for
    that (Matryoshka, arXiv 2205.13147), and the figures tell whether a model is one. `binary`
    keeps signs, finds by Hamming distance, and orders the first `rerank` by the float query.
    """
    return [
        VectorType("float", 4 * dimension, np.asarray, _products),
        VectorType("bfloat16", 2 * dimension, as_bfloat16, _products),
        *(prefix_type(size) for size in (dimension // 2, dimension // 4)),
        VectorType("binary", -(-dimension // 8), pack, _binary(rerank)),
    ]


def stored_type(dimension: int, params: Package) -> VectorType:
    """The way in which the package stores a vector of so many dimensions."""
    size = params.dimensions or dimension
    name = params.vector_type + (f", first {size}" if size < dimension else "")
    if params.vector_type == "binary":
        rank = _binary(params.targets)
        return VectorType(
            name,
            -(-size // 8),
            lambda documents: pack(documents[:, :size]),
            lambda queries, documents: rank(prefix(queries, size), documents),
        )
    exact = params.vector_type == "float"
    return VectorType(
        name,
        (4 if exact else 2) * size,
        lambda documents: (
            prefix(documents, size) if exact else as_bfloat16(prefix(documents, size))
        ),
        lambda queries, documents: prefix(queries, size) @ documents.T,
    )


def _products(queries: Vectors, documents: Vectors) -> Vectors:
    cosines: Vectors = queries @ documents.T
    return cosines


def prefix_type(size: int) -> VectorType:
    """The first dimensions in bfloat16, as Vespa is fed with them."""
    return VectorType(
        f"bfloat16, first {size}",
        2 * size,
        lambda documents: as_bfloat16(prefix(documents, size)),
        lambda queries, documents: prefix(queries, size) @ documents.T,
    )


def _binary(rerank: int) -> Score:
    return lambda queries, documents: binary_scores(queries, documents, rerank)


def as_bfloat16(vectors: Vectors) -> Vectors:
    """The vectors rounded to bfloat16."""
    rounded: Vectors = torch.tensor(vectors).bfloat16().float().numpy()
    return rounded


def prefix(vectors: Vectors, size: int) -> Vectors:
    """The first dimensions, as unit vectors."""
    cut = vectors[:, :size]
    unit: Vectors = cut / np.maximum(np.linalg.norm(cut, axis=1, keepdims=True), 1e-12)
    return unit


def pack(vectors: Vectors) -> np.ndarray[tuple[int, int], np.dtype[np.uint8]]:
    """A bit a dimension, 1 for what is above 0, (vectors, bytes), as Vespa's `pack_bits`."""
    return np.packbits(vectors > 0, axis=1)


def binary_scores(
    queries: Vectors, documents: np.ndarray[tuple[int, int], np.dtype[np.uint8]], rerank: int
) -> Vectors:
    """Scores of packed documents: re-ranked ones by the query, the others by bits below them.

    Args:
        queries: unit vectors, (queries, dimensions).
        documents: packed signs, (documents, bytes).
        rerank: how many of each query's nearest by Hamming distance are re-ranked.

    """
    dimension = queries.shape[1]
    signs = 2 * np.unpackbits(documents, axis=1, count=dimension).astype(np.float32) - 1
    # the share of equal signs less that of different ones: 1 - 2 x Hamming distance / dimensions
    nearness: Vectors = (2 * (queries > 0).astype(np.float32) - 1) @ signs.T / dimension
    scores: Vectors = nearness - 4  # below any cosine
    depth = min(rerank, len(documents))
    nearest = np.argsort(-nearness, axis=1, kind="stable")[:, :depth]
    fine = queries @ signs.T / np.float32(np.sqrt(dimension))
    np.put_along_axis(scores, nearest, np.take_along_axis(fine, nearest, axis=1), axis=1)
    return scores


class Typed:
    """A scorer that stores the documents of another in one of the types."""

    def __init__(self, dense: Dense, kind: VectorType) -> None:
        self.doc_ids = dense.doc_ids
        self._dense = dense
        self._kind = kind
        self._stored = kind.store(dense.vectors)

    def scores(self, texts: Sequence[str]) -> Vectors:
        """Scores, (texts, documents)."""
        return self._kind.score(self._dense.encode(texts), self._stored)


def typed(dense: Dense) -> Iterator[tuple[VectorType, Typed]]:
    """A model's search with each type in turn, so that only one is in memory."""
    for kind in vector_types(dense.vectors.shape[1]):
        yield kind, Typed(dense, kind)
