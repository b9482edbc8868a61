"""How much to trust BM25 beside the dense scores, judged on the synthetic dev set."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from stages.lib.collection import Corpus, Split
from stages.lib.metrics import per_query
from stages.lib.params import Fusion
from stages.lib.search import Embedded, Fused, Scorer
from stages.lib.words import words

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Weight:
    """The share of the dense z-score, and the dev nDCG@10 that spoke for it, by share."""

    dense: float
    by_share: Mapping[float, float]
    n: int


def choose_weight(
    dense: Scorer, lexical: Scorer, dev: Split, corpus: Corpus, params: Fusion
) -> Weight:
    """The weight for a collection, with care.

    A query that was written while looking at its document flatters BM25, so only the half of the
    dev queries that share fewest words with their document decides. Where no fusion beats dense
    alone there by one standard error, the weight is 1: no fusion, and nothing to distil. Else it
    is the mean of the prior and the largest weight within one standard error of the best.
    """
    chosen = _least_overlapping(dev, corpus)
    queries = {query_id: dev.queries[query_id] for query_id in chosen}
    qrels = {query_id: dev.qrels[query_id] for query_id in chosen}
    values: dict[float, Floats] = {}
    for share in (1.0, *params.shares):
        run = Embedded(Fused(dense, lexical, share)).search(queries, 10)
        found = per_query(run, qrels, ("ndcg_cut_10",))["ndcg_cut_10"]
        values[share] = np.array([found[query_id] for query_id in chosen])
    by_share = {share: round(float(each.mean()), 6) for share, each in values.items()}
    return Weight(decide(values, params.dense_weight), by_share, len(chosen))


def decide(values: Mapping[float, Floats], prior: float) -> float:
    """The weight by per-query values at each share; the share 1 must be among them."""
    best = max(values, key=lambda share: (values[share].mean(), share))

    def behind(share: float) -> float:
        return float(values[best].mean() - values[share].mean())

    def error(share: float) -> float:
        deltas = values[best] - values[share]
        return float(deltas.std(ddof=1) / math.sqrt(len(deltas))) if len(deltas) > 1 else math.inf

    if best == 1.0 or behind(1.0) <= error(1.0):
        return 1.0
    near = max(share for share in values if share < 1.0 and behind(share) <= error(share))
    return round((near + prior) / 2, 3)


def _least_overlapping(dev: Split, corpus: Corpus) -> Sequence[str]:
    def overlap(query_id: str) -> float:
        asked = set(words(dev.queries[query_id]))
        said = {word for doc_id in dev.qrels[query_id] for word in words(corpus[doc_id].contents)}
        return len(asked & said) / max(1, len(asked))

    order = sorted(dev.qrels, key=lambda query_id: (overlap(query_id), query_id))
    return sorted(order[: (len(order) + 1) // 2])
