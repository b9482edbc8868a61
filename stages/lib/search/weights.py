"""Chooses on a dev split how much BM25 counts, and whether one ranker beats another."""

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from stages.lib.core.collection import Corpus, Split
from stages.lib.core.text import words
from stages.lib.params import Fusion
from stages.lib.search.engine import Embedded, Fused, Kept, Run, Scorer
from stages.lib.search.measures import HEADLINE
from stages.lib.search.metrics import per_query

Floats = npt.NDArray[np.float64]
"""nDCG@10 of each dev query."""


@dataclass(frozen=True, slots=True)
class Weight:
    """The share of the dense z-score, and the dev nDCG@10 that spoke for it, by share."""

    dense: float
    by_share: Mapping[float, float]


def choose_weight(
    dense: Scorer, lexical: Scorer, dev: Split, params: Fusion, *, learnt: bool = False
) -> Weight:
    """The weight for a collection, with care.

    Where no fusion beats dense alone by one standard error, the weight is 1: no fusion. Else it is
    the mean of the prior and the largest weight within one standard error of the best. A model that
    has learnt from BM25 needs less of it: its prior lies halfway to 1. Without dev queries the
    largest of the shares counts as the best: there a fusion gains less and rarely hurts.
    """
    prior = (params.dense_weight + 1) / 2 if learnt else params.dense_weight
    if not dev:
        return Weight(round((max(params.shares) + prior) / 2, 3), {})
    dense, lexical = Kept(dense), Kept(lexical)
    values = {
        share: by_query(Embedded(Fused(dense, lexical, share)).search(dev.queries, 10), dev)
        for share in (1.0, *params.shares)
    }
    by_share = {share: round(float(value.mean()), 6) for share, value in values.items()}
    return Weight(decide(values, prior), by_share)


def decide(values: Mapping[float, Floats], prior: float) -> float:
    """Chooses the weight from the values by query at each share; share 1 is dense alone."""
    best = max(values, key=lambda share: (values[share].mean(), share))
    if best == 1.0 or not beats(values[best], values[1.0]):
        return 1.0
    near = max(share for share in values if share < 1.0 and not beats(values[best], values[share]))
    return round((near + prior) / 2, 3)


def beats(values: Floats, others: Floats) -> bool:
    """Whether the mean over the same queries is higher by more than a standard error."""
    deltas = values - others
    if len(deltas) < 2:
        return False
    return float(deltas.mean()) > float(deltas.std(ddof=1)) / math.sqrt(len(deltas))


def by_query(run: Run, dev: Split) -> Floats:
    """nDCG@10 of each judged query, in the order of their ids."""
    values = per_query(run, dev.qrels, (HEADLINE,))[HEADLINE]
    return np.array([values[query_id] for query_id in sorted(dev.qrels)])


def least_overlapping(dev: Split, corpus: Corpus) -> Split:
    """The half of a split whose queries share fewest words with their documents.

    A query that was written while looking at its document flatters BM25. One without a word of its
    own, such as a sentence of the document, says nothing about BM25: it is left out, and the split
    may be empty.
    """

    def overlap(query_id: str) -> float:
        of_query = set(words(dev.queries[query_id]))
        texts = (corpus[doc_id].contents for doc_id in dev.qrels[query_id])
        of_documents = {word for text in texts for word in words(text)}
        return len(of_query & of_documents) / max(1, len(of_query))

    shared = {query_id: overlap(query_id) for query_id in dev.qrels}
    order = sorted(shared, key=lambda query_id: (shared[query_id], query_id))
    half = order[: (len(order) + 1) // 2]
    chosen = sorted(query_id for query_id in half if shared[query_id] < 1)
    return Split(
        {query_id: dev.queries[query_id] for query_id in chosen},
        {query_id: dev.qrels[query_id] for query_id in chosen},
    )
