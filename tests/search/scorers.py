from collections.abc import Sequence

import numpy as np

from stages.lib.encoding.encoder import Vectors


class GivenScores:
    """A scorer with given scores by text."""

    def __init__(self, doc_ids: Sequence[str], rows: dict[str, list[float]]) -> None:
        self.doc_ids = list(doc_ids)
        self._rows = rows

    def scores(self, texts: Sequence[str]) -> Vectors:
        return np.array([self._rows[text] for text in texts], dtype=np.float32)
