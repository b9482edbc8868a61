"""The best sentence of each document: what one vector for a whole document blurs.

A document answers a query if a part of it does (the "max passage" of Dai and Callan, arXiv
1905.09217). Comparing the query with every sentence costs too much to serve, but a teacher can.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from stages.lib.encoding.encoder import Vectors
from stages.lib.encoding.vectors import read_rows
from stages.lib.errors import UserError
from stages.lib.search.engine import Dense


class BestSentence:
    """A scorer by the cosine of the query to the nearest sentence of each document.

    Args:
        dense: the dense scorer of the same model; it encodes the queries.
        vectors: of all sentences, (sentences, dimensions), those of a document side by side.
        starts: the row of each document's first sentence.

    """

    def __init__(self, dense: Dense, vectors: Vectors, starts: npt.NDArray[np.int64]) -> None:
        self.doc_ids = dense.doc_ids
        self._dense = dense
        self._vectors = vectors
        self._starts = starts

    def scores(self, texts: Sequence[str]) -> Vectors:
        """Cosines, (texts, documents)."""
        cosines = self._dense.encode(texts) @ self._vectors.T
        best: Vectors = np.maximum.reduceat(cosines, self._starts, axis=1)
        return best


def load_best_sentence(folder: Path, dense: Dense) -> BestSentence:
    """The scorer from what the stage embed_base left."""
    path = folder / "sentences.npy"
    if not path.is_file():
        raise UserError(f"{path}: no such file; run dvc repro embed_base")
    starts = np.load(folder / "sentence_starts.npy")
    return BestSentence(dense, read_rows(path), starts)
