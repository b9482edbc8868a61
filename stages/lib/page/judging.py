"""One person's judging: what comes next, and what has been said."""

import threading
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from sklearn.metrics import cohen_kappa_score

from stages.lib.core import seeds
from stages.lib.core.collection import Document
from stages.lib.core.files import write_jsonl
from stages.lib.errors import UserError
from stages.lib.page.importing import query_id
from stages.lib.page.log import Log, drop_torn_line
from stages.lib.page.searching import Searcher
from stages.lib.people.judgements import HIGHEST, QUERIES, Judge, People, read_people

DEPTH = 10
"""Documents of each system that are judged: what nDCG@10 looks at."""


@dataclass(frozen=True, slots=True)
class Task:
    """A document to grade for a query."""

    query_id: str
    text: str
    document: Document
    number: int
    of: int


@dataclass(frozen=True, slots=True)
class Progress:
    """How far one person is."""

    finished: int
    skipped: int
    queries: int
    grades: int

    @property
    def share(self) -> float:
        """From 0 to 1."""
        return (self.finished + self.skipped) / self.queries if self.queries else 0.0


class Desk:
    """Where one person judges.

    Args:
        folder: of all people's judgements.
        who: the person, whose file is NAME.jsonl there.
        searcher: the systems whose first documents are judged.
        checks: the documents that a language model graded, by the queries that check it.
        seed: of the order of queries and documents.

    """

    def __init__(
        self,
        folder: Path,
        who: str,
        searcher: Searcher,
        checks: Mapping[str, Sequence[str]],
        seed: int,
    ) -> None:
        self._folder = folder
        self._log = Log(folder / f"{who}.jsonl", who)
        self._searcher = searcher
        self._checks = checks
        self._seed = seed
        self._lock = threading.RLock()
        drop_torn_line(folder / f"{who}.jsonl")
        self.people: People = read_people(folder)
        self.judge = self.people.judges.setdefault(who, Judge())

    def add(self, texts: Iterable[str]) -> int:
        """Takes real queries, and says how many are new."""
        return self._add({query_id(text): text for text in texts}, check=False)

    def add_checks(self, queries: Mapping[str, str], count: int) -> int:
        """Takes queries that a language model judged, drawn by hash."""
        new = [name for name in queries if name not in self.people.queries]
        drawn = seeds.shuffled(self._seed, new, "check")[:count]
        return self._add({name: queries[name] for name in drawn}, check=True)

    def _add(self, queries: Mapping[str, str], check: bool) -> int:
        with self._lock:
            people, fresh = self.people, read_people(self._folder)
            people.queries |= fresh.queries  # others may have added some meanwhile
            people.checks |= fresh.checks
            new = {name: text for name, text in queries.items() if name not in people.queries}
            people.queries.update(new)
            people.checks.update(new if check else ())
            write_jsonl(
                self._folder / QUERIES,
                (
                    {"_id": name, "text": text}
                    | ({"for": "check"} if name in people.checks else {})
                    for name, text in sorted(people.queries.items())
                ),
            )
            return len(new)

    def next(self) -> Task | None:
        """The next document to grade; None where all is done."""
        with self._lock:
            for name in seeds.shuffled(self._seed, self.people.queries, "judge"):
                if name in self.judge.skipped or self.judge.finished(name):
                    continue
                grades, pool = self.judge.grades.get(name, {}), self._pool(name)
                for number, doc_id in enumerate(pool, 1):
                    if doc_id not in grades:
                        document = self._searcher.corpus[doc_id]
                        return Task(name, self.people.queries[name], document, number, len(pool))
            return None

    def grade(self, name: str, doc_id: str, relevance: int) -> None:
        """Writes a grade.

        Raises:
            UserError: nobody was shown this document for this query.

        """
        with self._lock:
            if doc_id not in self.judge.pools.get(name, ()):
                raise UserError("this document is not among those to judge; reload the page")
            if not 0 <= relevance <= HIGHEST:
                raise UserError(f"relevance: expected 0 to {HIGHEST}, got {relevance}")
            self._write({"query_id": name, "doc_id": doc_id, "relevance": relevance})

    def skip(self, name: str) -> None:
        """Leaves a query out, such as one that nobody understands."""
        with self._lock:
            if name not in self.people.queries:
                raise UserError("no such query; reload the page")
            self._write({"query_id": name, "skipped": True})

    def undo(self) -> None:
        """Takes the last act back."""
        with self._lock:
            if self.judge.acts:
                name, doc_id = self.judge.acts[-1]
                back = {"doc_id": doc_id, "relevance": None} if doc_id else {"skipped": False}
                self._write({"query_id": name, **back})

    def progress(self) -> Progress:
        """How far the person is."""
        with self._lock:
            queries, judge = self.people.queries, self.judge
            finished = sum(map(judge.finished, queries))
            grades = sum(map(len, judge.grades.values()))
            return Progress(finished, len(judge.skipped & queries.keys()), len(queries), grades)

    def _write(self, row: Mapping[str, object]) -> None:
        self.judge.apply(self._log.append(row))

    def _pool(self, name: str) -> list[str]:
        """The documents of a query in an order that tells nothing of who found them.

        It is noted when the query is first shown, so that it stays whatever is trained meanwhile,
        and two people get the same.
        """
        known = self.judge.pools.get(name)
        if known is None:
            others = (judge.pools.get(name) for judge in self.people.judges.values())
            known = next((pool for pool in others if pool), None) or self._found(name)
            known = [doc_id for doc_id in known if doc_id in self._searcher.corpus]
            self._write({"query_id": name, "pool": known})
        return [doc_id for doc_id in known if doc_id in self._searcher.corpus]

    def _found(self, name: str) -> list[str]:
        found = set(self._checks.get(name, ()))
        if not found:
            query = {name: self.people.queries[name]}
            runs = self._searcher.runs(query, self._searcher.names, DEPTH)
            found = {doc_id for run in runs.values() for doc_id in run[name]}
        return seeds.shuffled(self._seed, found, "judge", name)


@dataclass(frozen=True, slots=True)
class Agreement:
    """How far two people agree on the pairs that both graded."""

    who: str
    other: str
    pairs: int
    kappa: float
    """Cohen's, weighted by the distance of grades; nan where all grades are one."""


def agreements(people: People) -> list[Agreement]:
    """The agreement of each two people who graded something in common."""
    names = sorted(people.judges)
    found = []
    for index, who in enumerate(names):
        for other in names[index + 1 :]:
            pairs = shared(people.judges[who], people.judges[other])
            if pairs:
                kappa = cohen_kappa_score(
                    *zip(*pairs, strict=True), labels=range(HIGHEST + 1), weights="linear"
                )
                found.append(Agreement(who, other, len(pairs), float(kappa)))
    return found


def shared(first: Judge, second: Judge) -> list[tuple[int, int]]:
    """The grades of the pairs that both graded."""
    return [
        (grade, second.grades[name][doc_id])
        for name, row in first.grades.items()
        for doc_id, grade in row.items()
        if doc_id in second.grades.get(name, {})
    ]
