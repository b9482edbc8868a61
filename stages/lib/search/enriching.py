"""Enriched documents: what queries and neighbours say of a document, beside it.

A document's vector is mixed with those of the queries that it answers, as document expansion adds
such queries to its text (doc2query, arXiv 1904.08375), and then with those of its neighbours:
closely associated documents tend to be relevant to the same requests (the cluster hypothesis, van
Rijsbergen 1979). Nothing is trained for it, and hybrid search gains, which sees documents one by
one.
"""

from collections.abc import Mapping, Sequence

import numpy as np

from stages.lib.encoding.encoder import Vectors
from stages.lib.search.engine import Dense
from stages.lib.search.neighbours import Neighbours


def enriched(
    dense: Dense,
    asked: Mapping[str, Sequence[str]],
    neighbours: Neighbours,
    query_share: float,
    smoothing: float,
) -> Vectors:
    """The documents' vectors, mixed with those of their queries and their neighbours.

    Args:
        dense: encodes queries, and has the documents' vectors.
        asked: queries by the doc_id that they were written for, or that people or a judge found
            relevant.
        neighbours: of the documents.
        query_share: of a document's queries in its vector, from 0 to 1.
        smoothing: the share of its neighbours, from 0 to 1.

    Returns:
        Unit vectors, (documents, dimensions).

    """
    vectors = np.array(dense.vectors)
    rows = {doc_id: row for row, doc_id in enumerate(dense.doc_ids)}
    mixed = vectors.copy()
    if query_share and asked:
        # in one call: the encoder remembers texts, and is slow with a few at a time
        dense.encode([text for queries in asked.values() for text in queries])
        for doc_id, queries in asked.items():
            row = rows[doc_id]
            mean = _unit(dense.encode(queries).mean(axis=0))
            mixed[row] = _unit((1 - query_share) * vectors[row] + query_share * mean)
    if smoothing:
        mixed = _unit(neighbours.mix(mixed.T, smoothing).T)
    return mixed


def _unit(vectors: Vectors) -> Vectors:
    """The last axis at length 1."""
    length = np.linalg.norm(vectors, axis=-1, keepdims=True)
    scaled: Vectors = (vectors / np.maximum(length, 1e-12)).astype(np.float32)
    return scaled
