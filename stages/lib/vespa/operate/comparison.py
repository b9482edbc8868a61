"""Two engines side by side: how far their rankings agree, and how good each of them is.

Nothing here knows Vespa: any engine can be compared with any other.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from stages.lib.core import seeds
from stages.lib.core.collection import Queries, Split
from stages.lib.search.engine import Engine, Run
from stages.lib.search.metrics import ndcg

DEPTH = 10
"""Ranks in which two engines should agree."""

MEASURED = 100
"""Ranks that a measure is given."""


@dataclass(frozen=True, slots=True)
class Agreement:
    """How far two engines agree on the first ten documents.

    `overlap` is the mean share of the first engine's documents that the second one has too;
    `score_gap` the largest difference of the scores that they give to the same document.
    """

    queries: int
    overlap: float
    score_gap: float


def drawn(queries: Queries, number: int, seed: int) -> Queries:
    """So many of the queries, chosen by the seed."""
    chosen = seeds.shuffled(seed, queries, "parity")[:number]
    return {query_id: queries[query_id] for query_id in chosen}


def agreement(first: Engine, second: Engine, queries: Queries) -> Agreement:
    """Asks two engines the same queries."""
    left, right = (engine.search(queries, DEPTH) for engine in (first, second))
    return Agreement(len(queries), overlap(left, right), score_gap(left, right))


def overlap(left: Run, right: Run) -> float:
    """The mean share of the left run's documents that the right one has too; 1 without any."""
    shares = [
        len(ranking.keys() & right[query_id].keys()) / len(ranking)
        for query_id, ranking in left.items()
        if ranking
    ]
    return sum(shares) / len(shares) if shares else 1.0


def score_gap(left: Run, right: Run) -> float:
    """The largest difference of two scores of the same document; 0 without any."""
    gaps = [
        abs(score - right[query_id][doc_id])
        for query_id, ranking in left.items()
        for doc_id, score in ranking.items()
        if doc_id in right[query_id]
    ]
    return max(gaps, default=0.0)


def measured(engines: Mapping[str, Engine], split: Split) -> dict[str, float]:
    """nDCG@10 of each engine by its name; nothing where there are no queries."""
    if not split:
        return {}
    return {
        name: ndcg(engine.search(split.queries, MEASURED), split.qrels)
        for name, engine in engines.items()
    }
