"""What the judgements so far say of two systems, and how many more queries would say it well."""

import math
from dataclasses import dataclass

import numpy as np

from stages.lib.page.searching import Searcher
from stages.lib.people.judgements import People
from stages.lib.search.bootstrap import interval
from stages.lib.search.measures import HEADLINE
from stages.lib.search.metrics import per_query

DEPTH = 100
RESAMPLES = 2000
FEWEST = 5
"""Fewer queries tell too little of how differences spread."""
WIDTHS = (0.05, 0.03, 0.02)
"""Half widths of an interval that people ask for."""


@dataclass(frozen=True, slots=True)
class Outlook:
    """The difference of two systems over the judged queries."""

    before: str
    after: str
    n: int
    difference: float
    low: float
    high: float
    more: dict[float, int]
    """Further queries until the 95% interval is this wide on either side."""


def outlook(
    people: People, searcher: Searcher, before: str, after: str, seed: int
) -> Outlook | None:
    """What the finished real queries say; None where there are too few.

    An interval of the mean is 1.96 standard deviations of a query's difference wide on either side,
    divided by the root of the number of queries.
    """
    qrels = {name: row for name, row in people.qrels().items() if name not in people.checks}
    if len(qrels) < FEWEST:
        return None
    queries = {name: people.queries[name] for name in qrels}
    runs = searcher.runs(queries, (before, after), DEPTH)
    old, new = (per_query(runs[name], qrels, (HEADLINE,))[HEADLINE] for name in (before, after))
    deltas = np.array([new[name] - old[name] for name in sorted(qrels)])
    low, high = interval(deltas, RESAMPLES, seed)
    spread = float(deltas.std(ddof=1))
    more = {width: max(0, math.ceil((1.96 * spread / width) ** 2) - len(qrels)) for width in WIDTHS}
    return Outlook(before, after, len(qrels), float(deltas.mean()), low, high, more)
