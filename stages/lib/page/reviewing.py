"""Generated queries for people to review, and what their decisions say of each filter."""

import threading
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path

from scipy.stats import norm

from stages.lib.core import seeds
from stages.lib.core.generated import Generated
from stages.lib.errors import UserError
from stages.lib.page.decisions import Book
from stages.lib.page.searching import Searcher
from stages.lib.params import Params
from stages.lib.people.reviews import Decision
from stages.lib.selection.copies import find_copies
from stages.lib.selection.filters import own_words, round_trip, sift

MOST = 2000
"""Queries that are searched to tell what the round trip does; of more, so many drawn by hash."""
KEPT = "kept"


@dataclass(frozen=True, slots=True)
class Fate:
    """A query, the filter that dropped it (or `kept`), and whether base and teacher disagree."""

    query: Generated
    step: str
    disagree: bool

    @property
    def stratum(self) -> tuple[str, str, bool]:
        """What the sample is stratified by."""
        return self.step, self.query.type, self.disagree


@dataclass(frozen=True, slots=True)
class Rate:
    """How often people say that a filter was wrong, or that a query which was kept is bad."""

    step: str
    queries: int
    reviewed: int
    wrong: float
    low: float
    high: float


def find_fates(
    queries: Sequence[Generated],
    evaluation: Sequence[str],
    searcher: Searcher,
    params: Params,
) -> list[Fate]:
    """What the filters of `select` make of each query; of very many, of a sample by hash.

    Base and teacher differ on a query where their first documents do.
    """
    by_id = {query.query_id: query for query in queries}
    drawn = [by_id[name] for name in seeds.shuffled(params.seed, by_id, "review")[:MOST]]
    known = [query for query in drawn if query.doc_id in searcher.corpus]
    copies = find_copies(searcher.corpus)
    left = sift(known, evaluation, params.select, copies)
    own_words(left, searcher.corpus, params.copied_words)
    texts = {query.query_id: query.text for query in left.queries}
    base, bm25 = searcher.engines["base"], searcher.engines["bm25"]
    teacher = searcher.fused(params.fusion.dense_weight)
    with searcher.alone():
        first, second = (engine.search(texts, 1) for engine in (base, teacher))
        differ = {name for name in texts if list(first[name]) != list(second[name])}
        round_trip(left, [base, bm25], teacher, params.select)
    fates = [(query, step) for step, dropped in left.dropped.items() for query in dropped]
    fates += [(query, KEPT) for query in left.queries]
    return [Fate(query, step, query.query_id in differ) for query, step in fates]


def stratified(fates: Sequence[Fate], seed: int) -> list[Fate]:
    """All queries in an order in which each stratum comes as often as any other."""
    strata: dict[tuple[str, str, bool], list[Fate]] = defaultdict(list)
    by_id = {fate.query.query_id: fate for fate in fates}
    for name in seeds.shuffled(seed, by_id, "review"):
        strata[by_id[name].stratum].append(by_id[name])
    rounds = zip_longest(*(strata[key] for key in sorted(strata)))
    return [fate for each in rounds for fate in each if fate is not None]


def rates(fates: Sequence[Fate], decisions: Mapping[str, Decision]) -> list[Rate]:
    """The share of wrong decisions of each filter, with Wilson's 95% interval.

    A reviewed query stands for as many as its stratum has for each reviewed one of it. The interval
    counts the effective number of queries (Kish), which unequal weights make smaller.
    """
    sizes: dict[tuple[str, str, bool], int] = defaultdict(int)
    seen: dict[tuple[str, str, bool], list[bool]] = defaultdict(list)
    for fate in fates:
        sizes[fate.stratum] += 1
        decision = decisions.get(fate.query.query_id)
        if decision is not None:
            seen[fate.stratum].append(decision.good != (fate.step == KEPT))
    found = []
    for step in dict.fromkeys(stratum[0] for stratum in sizes):
        rows = [
            (sizes[stratum] / len(answers), wrong)
            for stratum, answers in seen.items()
            if stratum[0] == step
            for wrong in answers
        ]
        queries = sum(size for stratum, size in sizes.items() if stratum[0] == step)
        total = sum(weight for weight, _ in rows)
        share = sum(weight for weight, wrong in rows if wrong) / total if rows else 0.0
        effective = total**2 / sum(weight**2 for weight, _ in rows) if rows else 0.0
        found.append(Rate(step, queries, len(rows), share, *wilson(share, effective)))
    return found


def wilson(share: float, n: float) -> tuple[float, float]:
    """Wilson's 95% interval of a share of n; all that is possible where n is 0."""
    if not n:
        return 0.0, 1.0
    z = float(norm.ppf(0.975))
    centre = (share + z * z / (2 * n)) / (1 + z * z / n)
    spread = z / (1 + z * z / n) * (share * (1 - share) / n + z * z / (4 * n * n)) ** 0.5
    return max(0.0, centre - spread), min(1.0, centre + spread)


class ReviewDesk:
    """Where one person reviews generated queries.

    Args:
        folder: of all people's decisions.
        who: the person.
        queries: that were generated or imported.
        evaluation: texts of dev and test queries.
        searcher: the systems; the base's are those of the round trip.
        params: all parameters.

    """

    def __init__(
        self,
        folder: Path,
        who: str,
        queries: Sequence[Generated],
        evaluation: Sequence[str],
        searcher: Searcher,
        params: Params,
    ) -> None:
        self._book = Book(folder, who)
        self._sources = (queries, evaluation, searcher, params)
        self._corpus = searcher.corpus
        self._lock = threading.Lock()
        self._fates: list[Fate] = []

    @property
    def decisions(self) -> dict[str, Decision]:
        """All people's, by query_id."""
        return self._book.decisions

    @property
    def fates(self) -> list[Fate]:
        """The queries in the order of review; the first call runs the filters."""
        with self._lock:
            if not self._fates:
                queries, evaluation, searcher, params = self._sources
                found = find_fates(queries, evaluation, searcher, params)
                self._fates = stratified(found, params.seed)
            return self._fates

    def next(self) -> Fate | None:
        """The next query without a decision; None where all have one."""
        return next((f for f in self.fates if f.query.query_id not in self.decisions), None)

    def decide(self, query_id: str, decision: str, text: str = "", doc_id: str = "") -> None:
        """Writes a decision.

        Raises:
            UserError: there is no such query, document or decision.

        """
        query = next((f.query for f in self.fates if f.query.query_id == query_id), None)
        if query is None:
            raise UserError("no such query; reload the page")
        if doc_id and doc_id not in self._corpus:
            raise UserError(f"doc_id: the corpus has no document {doc_id[:40]!r}")
        row = {"query_id": query_id, "decision": decision}
        if decision in ("keep", "edit"):  # an example for those that are written later
            row |= {"query": query.text, "source": query.doc_id}
        if decision == "edit":
            row["text"] = text
        if decision == "wrong_document" and doc_id:
            row["doc_id"] = doc_id
        self._book.write(row)

    def undo(self) -> None:
        """Takes this person's last decision back."""
        self._book.undo()
