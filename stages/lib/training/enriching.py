"""Enriched documents: what queries and neighbours say of a document, beside it.

A document's vector is mixed with those of the queries that it answers, as document expansion adds
such queries to its text (doc2query, arXiv 1904.08375), and then with those of its neighbours:
closely associated documents tend to be relevant to the same requests (the cluster hypothesis, van
Rijsbergen 1979). Nothing is trained for it, and hybrid search gains, which sees documents one by
one.
"""

from collections.abc import Sequence

import numpy as np

from stages.lib.core.examples import Example
from stages.lib.encoding.encoder import Vectors
from stages.lib.search.engine import Dense
from stages.lib.search.neighbours import Neighbours
from stages.lib.train_params import Train


def enriched(
    dense: Dense, examples: Sequence[Example], neighbours: Neighbours, params: Train
) -> Vectors:
    """The documents' vectors, mixed with those of their queries and their neighbours.

    Args:
        dense: encodes queries, and has the documents' vectors.
        examples: training queries with the documents that they were written for, or that people or
            a judge found relevant.
        neighbours: of the documents.
        params: the shares of queries and of neighbours.

    Returns:
        Unit vectors, (documents, dimensions).

    """
    vectors = np.array(dense.vectors)
    rows = {doc_id: row for row, doc_id in enumerate(dense.doc_ids)}
    asked: dict[int, list[str]] = {}
    for example in examples:
        for doc_id in example.positives:
            asked.setdefault(rows[doc_id], []).append(example.query)
    mixed = vectors.copy()
    if params.query_share:
        for row, queries in asked.items():
            mean = _unit(dense.encode(queries).mean(axis=0))
            mixed[row] = _unit((1 - params.query_share) * vectors[row] + params.query_share * mean)
    if params.neighbours and params.smoothing:
        mixed = _unit(neighbours.mix(mixed.T, params.smoothing).T)
    return mixed


def _unit(vectors: Vectors) -> Vectors:
    """The last axis at length 1."""
    length = np.linalg.norm(vectors, axis=-1, keepdims=True)
    scaled: Vectors = (vectors / np.maximum(length, 1e-12)).astype(np.float32)
    return scaled
