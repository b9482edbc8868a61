"""What decides which weights ship."""

import math
from dataclasses import dataclass

from stages.lib.core.collection import Split
from stages.lib.search.engine import Run
from stages.lib.search.metrics import ndcg

DEPTH = 10


@dataclass(frozen=True, slots=True)
class Dev:
    """A dev set, and the teacher's ranking of its queries where no people judged them.

    A generated query has one known answer, the document that it was written for, although others
    answer it as well; chasing that one alone would punish a student for what the teacher knows.
    So without people's judgements a student counts by the mean of nDCG@10 on the known answers
    and of its agreement with the teacher.
    """

    split: Split
    teacher: Run | None
    temperature: float

    def value(self, run: Run) -> float:
        """What a run of the dev queries is worth, 0 to 1."""
        known = ndcg(run, self.split.qrels)
        if self.teacher is None:
            return known
        total = sum(
            agreement(list(run[query_id]), self.teacher[query_id], self.temperature)
            for query_id in sorted(self.split.qrels)
        )
        return (known + total / len(self.split.qrels)) / 2


def agreement(ranking: list[str], teacher: dict[str, float], temperature: float) -> float:
    """nDCG@10 with the teacher's probabilities as gains."""
    best = max(teacher.values())
    gains = {doc_id: math.exp((s - best) / temperature) for doc_id, s in teacher.items()}
    ideal = sorted(gains.values(), reverse=True)
    return _dcg([gains.get(doc_id, 0.0) for doc_id in ranking]) / _dcg(ideal)


def _dcg(gains: list[float]) -> float:
    return sum(gain / math.log2(rank + 2) for rank, gain in enumerate(gains[:DEPTH]))
