"""What a document's vector may be stored as: bytes against quality.

Queries stay in float32 in all of them, as in Vespa.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from stages.lib.collection import Qrels
from stages.lib.encoder import Vectors
from stages.lib.metrics import ndcg
from stages.lib.search import Embedded

Score = Callable[[Vectors, Vectors], Vectors]
"""Scores of each query, a row, for each document, a column."""


@dataclass(frozen=True, slots=True)
class VectorType:
    """A way to store a document's vector."""

    name: str
    bytes: int
    """Of one document's vector."""
    score: Score


def vector_types(dimension: int, rerank: int = 100) -> list[VectorType]:
    """The ways to store a vector, largest first.

    Prefixes keep the first half and quarter of the dimensions: they do well for models trained for
    that (Matryoshka, arXiv 2205.13147), and the figures tell whether a model is one. `binary`
    keeps signs, finds by Hamming distance, and orders the first `rerank` by the float query.
    """
    prefixes = [dimension // 2, dimension // 4]
    return [
        VectorType("float", 4 * dimension, lambda queries, documents: queries @ documents.T),
        VectorType(
            "bfloat16",
            2 * dimension,
            lambda queries, documents: queries @ as_bfloat16(documents).T,
        ),
        *(VectorType(f"bfloat16, first {size}", 2 * size, _by_prefix(size)) for size in prefixes),
        VectorType(
            "binary",
            -(-dimension // 8),
            lambda queries, documents: binary_scores(queries, pack(documents), rerank),
        ),
    ]


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


def compare_types(
    doc_ids: Sequence[str],
    documents: Vectors,
    query_ids: Sequence[str],
    queries: Vectors,
    qrels: Qrels,
) -> list[dict[str, Any]]:
    """Bytes a document and nDCG@10 of each type, a row each: for a table and a plot."""
    rows = []
    for each in vector_types(documents.shape[1]):
        scorer = _Scores(list(doc_ids), dict(zip(query_ids, queries, strict=True)), documents, each)
        run = Embedded(scorer).search({query_id: query_id for query_id in query_ids}, 10)
        rows.append(
            {
                "vector_type": each.name,
                "bytes": each.bytes,
                "ndcg_cut_10": round(ndcg(run, qrels), 6),
            }
        )
    return rows


@dataclass(slots=True)
class _Scores:
    """A scorer over vectors that are there already; its texts are query_ids."""

    doc_ids: list[str]
    queries: dict[str, Vectors]
    documents: Vectors
    kind: VectorType

    def scores(self, texts: Sequence[str]) -> Vectors:
        return self.kind.score(np.stack([self.queries[text] for text in texts]), self.documents)


def _by_prefix(size: int) -> Score:
    return lambda queries, documents: prefix(queries, size) @ as_bfloat16(prefix(documents, size)).T
