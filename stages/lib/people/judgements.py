"""What people judged on the page: a folder of queries, and a file a person.

queries.jsonl is in BEIR's form; a query that is judged to check the language model's judging alone
has `"for": "check"`. Each person's NAME.jsonl grows by a line an act, so that git merges it and
nothing of it is ever rewritten:

    {"query_id": "q-1", "pool": ["a", "b"], "who": "ann", "when": "…"}    shown, in this order
    {"query_id": "q-1", "doc_id": "a", "relevance": 2, "who": …}          graded; null: not
    {"query_id": "q-1", "skipped": true, "who": …}                        left out; false: not
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median_low
from typing import Any

from stages.lib.core.collection import Qrels, Queries, check_id
from stages.lib.core.files import read_jsonl
from stages.lib.errors import UserError

QUERIES = "queries.jsonl"
HIGHEST = 3
"""0 is about something else, 1 on the matter, 2 answers the main part, 3 answers fully."""


@dataclass(slots=True)
class Judge:
    """What one person has judged."""

    pools: dict[str, list[str]] = field(default_factory=dict)
    grades: Qrels = field(default_factory=dict)
    skipped: set[str] = field(default_factory=set)
    acts: list[tuple[str, str]] = field(default_factory=list)
    """Grades as (query_id, doc_id) and skips as (query_id, ""), the last one last."""

    def apply(self, row: Mapping[str, Any]) -> None:
        """Takes a line of the file.

        Raises:
            ValueError: it is none of the three kinds.

        """
        query_id = row.get("query_id")
        if not isinstance(query_id, str):
            raise ValueError('"query_id" is missing or not a string')
        match row:
            case {"pool": list(pool)} if all(isinstance(doc_id, str) for doc_id in pool):
                self.pools.setdefault(query_id, pool)
            case {"skipped": bool(skipped)}:
                self._act(query_id, "", not skipped)
                (self.skipped.add if skipped else self.skipped.discard)(query_id)
            case {"doc_id": str(doc_id), "relevance": None}:
                self._act(query_id, doc_id, True)
                self.grades.get(query_id, {}).pop(doc_id, None)
            case {"doc_id": str(doc_id), "relevance": int(grade)} if 0 <= grade <= HIGHEST:
                self._act(query_id, doc_id, False)
                self.grades.setdefault(query_id, {})[doc_id] = grade
            case _:
                raise ValueError(
                    f'expected "pool", "skipped", or "doc_id" and "relevance", 0 to {HIGHEST}'
                )

    def _act(self, query_id: str, doc_id: str, taken_back: bool) -> None:
        act = (query_id, doc_id)
        if act in self.acts:
            self.acts.remove(act)
        if not taken_back:
            self.acts.append(act)

    def finished(self, query_id: str) -> bool:
        """Whether all documents that were shown for a query have a grade."""
        pool = self.pools.get(query_id)
        left = set(pool or ()) - self.grades.get(query_id, {}).keys()
        return pool is not None and not left and query_id not in self.skipped


@dataclass(slots=True)
class People:
    """The queries of the folder, and the judgements by person."""

    queries: Queries = field(default_factory=dict)
    checks: set[str] = field(default_factory=set)
    """The queries that check the language model's judging, and belong to no split."""
    judges: dict[str, Judge] = field(default_factory=dict)

    def qrels(self) -> Qrels:
        """The grades of all queries that somebody has finished.

        Of several people's grades it is the median; of an even number, the lower of the middle two.
        """
        found: Qrels = {}
        for query_id in self.queries:
            rows = [j.grades[query_id] for j in self.judges.values() if j.finished(query_id)]
            doc_ids = sorted(set().union(*rows))
            if doc_ids:
                found[query_id] = {
                    doc_id: median_low(row[doc_id] for row in rows if doc_id in row)
                    for doc_id in doc_ids
                }
        return found


def read_people(folder: Path) -> People:
    """Reads the folder; one that is not there, or holds no judgements, is empty.

    Raises:
        UserError: a line is of another form, or a person judged a query that the folder lacks.

    """
    people = People()
    if (folder / QUERIES).is_file():
        for number, row in read_jsonl(folder / QUERIES):
            place = f"{folder / QUERIES}:{number}"
            query_id, text = row.get("_id"), row.get("text")
            if not isinstance(query_id, str) or not isinstance(text, str):
                raise UserError(f'{place}: "_id" or "text" is missing or not a string')
            people.queries[check_id(query_id, place)] = text
            if row.get("for") == "check":
                people.checks.add(query_id)
    for path in sorted(folder.glob("*.jsonl")):
        if path.name == QUERIES:
            continue
        judge = people.judges[path.stem] = Judge()
        for number, row in read_jsonl(path):
            try:
                judge.apply(row)
            except ValueError as error:
                raise UserError(f"{path}:{number}: {error}") from error
            if row["query_id"] not in people.queries:
                raise UserError(
                    f"{path}:{number}: {folder / QUERIES} has no query {row['query_id']!r}"
                )
    return people
