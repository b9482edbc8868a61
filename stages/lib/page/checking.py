"""The language model's grades beside people's."""

import math
from dataclasses import dataclass

from sklearn.metrics import cohen_kappa_score

from stages.lib.core.collection import Qrels
from stages.lib.judged.verdict import RELEVANT

LLM = ("0 or 1", "2", "3")
"""What data/judged keeps of the model's grades: those below `RELEVANT` count as 0."""
GRADES = (0, 1, 2, 3)


@dataclass(frozen=True, slots=True)
class Pair:
    """A query and a document with both grades."""

    query_id: str
    doc_id: str
    people: int
    llm: int

    @property
    def distance(self) -> int:
        """How far the grades are apart, where a 0 of the model may have been a 1."""
        return abs(max(self.people, 1) - max(self.llm, 1))


@dataclass(frozen=True, slots=True)
class Check:
    """How far the model's grades agree with people's."""

    pairs: list[Pair]
    """Those that differ most first."""
    table: list[list[int]]
    """Counts by people's grade (rows, 0 to 3) and the model's (columns, as `LLM`)."""
    kappa: float
    """Cohen's, of relevant (2 and up) against not; nan where all are one."""


def check(people: Qrels, llm: Qrels, asked: dict[str, list[str]]) -> Check:
    """Compares the grades of the pairs that both gave.

    Args:
        people: their grades.
        llm: what is kept of the model's; 0 for a pair that it was asked about and is not there.
        asked: the documents that the model graded, by query_id.

    """
    pairs = [
        Pair(name, doc_id, grade, llm.get(name, {}).get(doc_id, 0))
        for name, row in people.items()
        for doc_id, grade in row.items()
        if doc_id in asked.get(name, ())
    ]
    table = [[0] * len(LLM) for _ in GRADES]
    for pair in pairs:
        table[pair.people][max(pair.llm, 1) - 1] += 1
    relevant = [(pair.people >= RELEVANT, pair.llm >= RELEVANT) for pair in pairs]
    kappa = math.nan
    if relevant:
        kappa = float(cohen_kappa_score(*zip(*relevant, strict=True), labels=[False, True]))
    pairs.sort(key=lambda pair: (-pair.distance, pair.query_id, pair.doc_id))
    return Check(pairs, table, kappa)
