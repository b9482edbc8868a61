"""The judged queries, from those that gained most to those that lost most."""

import threading
from dataclasses import dataclass

from stages.lib.core import seeds
from stages.lib.core.collection import Qrels, Split
from stages.lib.page.searching import Searcher
from stages.lib.search.measures import HEADLINE
from stages.lib.search.metrics import per_query

MOST = 500
"""Queries of a split that are searched for the list; of more, so many are drawn by hash."""
DEPTH = 100


@dataclass(frozen=True, slots=True)
class Gain:
    """A judged query with its scores by two systems."""

    query_id: str
    text: str
    before: float
    after: float

    @property
    def delta(self) -> float:
        """What the second system gained over the first."""
        return self.after - self.before


class JudgedQueries:
    """The test and dev queries with their judgements; scored when they are first asked for."""

    def __init__(self, searcher: Searcher, splits: dict[str, Split], seed: int) -> None:
        self.splits = {name: split for name, split in splits.items() if split}
        self._searcher = searcher
        self._seed = seed
        self._scores: dict[str, dict[str, dict[str, float]]] = {}
        self._lock = threading.Lock()

    def drawn(self, split: str) -> list[str]:
        """The query_ids that the list shows."""
        return seeds.shuffled(self._seed, self.splits[split].qrels, "page")[:MOST]

    def gains(self, split: str, before: str, after: str) -> list[Gain]:
        """The queries of a split from the greatest gain to the greatest loss."""
        scores, queries = self._scored(split), self.splits[split].queries
        found = [
            Gain(query_id, queries[query_id], scores[before][query_id], scores[after][query_id])
            for query_id in scores[after]
        ]
        return sorted(found, key=lambda gain: (-gain.delta, gain.query_id))

    def judgements(self, text: str) -> dict[str, int]:
        """The grades of the judged query of this text, by doc_id; none if there is none."""
        for split in self.splits.values():
            for query_id, query in split.queries.items():
                if query == text:
                    return split.qrels.get(query_id, {})
        return {}

    def _scored(self, name: str) -> dict[str, dict[str, float]]:
        with self._lock:
            if name not in self._scores:
                split, drawn = self.splits[name], self.drawn(name)
                qrels: Qrels = {query_id: split.qrels[query_id] for query_id in drawn}
                queries = {query_id: split.queries[query_id] for query_id in drawn}
                runs = self._searcher.runs(queries, self._searcher.names, DEPTH)
                self._scores[name] = {
                    system: per_query(run, qrels, (HEADLINE,))[HEADLINE]
                    for system, run in runs.items()
                }
            return self._scores[name]
