"""The teacher: a better ranker than the student, that needs no judgements.

The cosines of the whole document and of its best sentence are fused with BM25, and each document's
score is mixed with those of its nearest documents: closely associated documents tend to be relevant
to the same requests (the cluster hypothesis, van Rijsbergen 1979).
"""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from tqdm import tqdm

from stages.lib.encoding.encoder import Vectors
from stages.lib.params import Mine
from stages.lib.search.engine import BLOCK_CELLS, Fused, Scorer, zscores


def fusion_teacher(
    dense: Scorer,
    sentences: Scorer | None,
    lexical: Scorer,
    dense_weight: float,
    neighbours: "Neighbours | None",
    params: Mine,
) -> Scorer:
    """The teacher of a collection.

    Args:
        dense: whole documents.
        sentences: the best sentence of each, where sentences were encoded.
        lexical: BM25.
        dense_weight: share of the dense scores beside BM25.
        neighbours: of the documents, where scores are smoothed.
        params: shares of the sentences and of the neighbours.

    """
    if sentences is not None and params.sentence_share:
        dense = Fused(dense, sentences, 1 - params.sentence_share)
    ranked = Fused(dense, lexical, dense_weight)
    return Smoothed(ranked, neighbours, params.smoothing) if neighbours else ranked


class Neighbours:
    """Each document's nearest documents, itself left out, with weights that sum to 1."""

    def __init__(self, vectors: Vectors, count: int) -> None:
        documents = len(vectors)
        count = min(count, documents - 1)
        self.indices: npt.NDArray[np.int64] = np.zeros((documents, count), np.int64)
        self.weights: Vectors = np.zeros((documents, count), np.float32)
        step = max(1, BLOCK_CELLS // documents)
        blocks = range(0, documents if count else 0, step)
        for start in tqdm(blocks, desc="neighbours", unit="block", delay=2):
            cosines = vectors[start : start + step] @ vectors.T
            rows = np.arange(len(cosines))
            cosines[rows, start + rows] = -np.inf
            nearest = np.argpartition(-cosines, count - 1, axis=1)[:, :count]
            self.indices[start : start + step] = nearest
            self.weights[start : start + step] = np.maximum(
                np.take_along_axis(cosines, nearest, axis=1), 0
            )
        self.weights /= np.maximum(self.weights.sum(axis=1, keepdims=True), 1e-9)

    def mix(self, columns: Vectors, amount: float) -> Vectors:
        """Each column, (rows, documents), mixed with those of its neighbours at their share."""
        around = np.zeros_like(columns)
        for indices, weights in zip(self.indices.T, self.weights.T, strict=True):
            around += columns[:, indices] * weights
        mixed: Vectors = (1 - amount) * columns + amount * around
        return mixed


class Smoothed:
    """A scorer whose scores are mixed with those of the neighbours.

    Args:
        scorer: the scorer to smooth.
        neighbours: of the same documents.
        amount: the neighbours' share.

    """

    def __init__(self, scorer: Scorer, neighbours: Neighbours, amount: float) -> None:
        self.doc_ids = scorer.doc_ids
        self._scorer = scorer
        self._neighbours = neighbours
        self._amount = amount

    def scores(self, texts: Sequence[str]) -> Vectors:
        """Smoothed z-scores, (texts, documents)."""
        return zscores(self._neighbours.mix(self._scorer.scores(texts), self._amount))
