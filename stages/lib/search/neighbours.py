"""Each document's nearest documents."""

import numpy as np
import numpy.typing as npt
from tqdm import tqdm

from stages.lib.encoding.encoder import Vectors
from stages.lib.search.engine import BLOCK_CELLS, CACHED_ROWS


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
        """Mixes each column, (rows, documents), with its neighbours', whose share is `amount`."""
        mixed = np.empty_like(columns)
        for start in range(0, len(columns), CACHED_ROWS):
            block = columns[start : start + CACHED_ROWS]
            around = np.zeros_like(block)
            for indices, weights in zip(self.indices.T, self.weights.T, strict=True):
                around += block.take(indices, axis=1) * weights
            mixed[start : start + CACHED_ROWS] = (1 - amount) * block + amount * around
        return mixed
