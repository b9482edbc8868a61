"""Scorers that ask Vespa, in the place of those in memory."""

import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from sentence_transformers import SentenceTransformer

from stages.lib.encoding.encoder import Vectors
from stages.lib.encoding.store import VectorStore
from stages.lib.search.engine import Dense
from stages.lib.vespa.search.connection import connect
from stages.lib.vespa.search.engine import Ranking, VespaEngine
from stages.lib.vespa.search.index import index_profile

DEEPEST = 10_000
"""Hits a query at most: `maxHits` of the query profile `base`."""


class VespaDense(Dense):
    """Exact search in Vespa, by vectors that the pipeline fed and encodes itself."""

    def __init__(
        self,
        doc_ids: Sequence[str],
        vectors: Vectors,
        model: SentenceTransformer,
        prefix: str,
        folder: Path,
        store: VectorStore | None = None,
    ) -> None:
        super().__init__(doc_ids, vectors, model, prefix, store)
        ranking = Ranking("semantic", index_profile(folder), exact=True, encode=self.encode)
        self._engine = VespaEngine(connect(os.environ), ranking)

    def scores(self, texts: Sequence[str]) -> Vectors:
        """Cosines, (texts, documents); beyond the hits of an answer, the least of its scores."""
        # all at once, as in memory: in bfloat16, a vector's last bits depend on its batch
        self.encode(texts)
        return _matrix(self._engine, self.doc_ids, texts, lowest=True)


class VespaLexical:
    """BM25 by Vespa's own index, tokens and stems."""

    def __init__(self, doc_ids: Sequence[str]) -> None:
        self.doc_ids = list(doc_ids)
        self._engine = VespaEngine(connect(os.environ), Ranking("bm25"))

    def scores(self, texts: Sequence[str]) -> Vectors:
        """Scores of every document for each text, (texts, documents); 0 beyond the hits."""
        return _matrix(self._engine, self.doc_ids, texts, lowest=False)


def _matrix(
    engine: VespaEngine, doc_ids: Sequence[str], texts: Sequence[str], lowest: bool
) -> Vectors:
    place = {doc_id: index for index, doc_id in enumerate(doc_ids)}
    queries = {str(row): text for row, text in enumerate(texts)}
    out = np.zeros((len(texts), len(doc_ids)), dtype=np.float32)
    for query_id, ranking in engine.search(queries, min(len(doc_ids), DEEPEST)).items():
        row = out[int(query_id)]
        if lowest and ranking:
            row[:] = min(ranking.values())
        for doc_id, score in ranking.items():
            if doc_id in place:
                row[place[doc_id]] = score
    return out
