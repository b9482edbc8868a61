"""What decides which weights ship."""

import math
from dataclasses import dataclass
from statistics import fmean

from stages.lib.core.collection import Split
from stages.lib.core.examples import Mined
from stages.lib.params import Train
from stages.lib.search.engine import Dense, Embedded, Run, Scorer
from stages.lib.search.metrics import ndcg
from stages.lib.search.vector_types import Typed, prefix_type

DEPTH = 10


@dataclass(frozen=True, slots=True)
class Dev:
    """A dev set, and the teacher's ranking of its queries where it may judge.

    A generated query has one known answer, the document that it was written for, although others
    answer it as well; chasing that one alone would punish a student for what the teacher knows.
    So without people's judgements a student counts by the mean of nDCG@10 on the known answers
    and of its agreement with the teacher. A teacher that was refused judges nothing.
    """

    split: Split
    teacher: Run | None
    params: Train

    def worth(self, dense: Dense) -> float:
        """What a student is worth: the mean over its whole vectors and each `matryoshka` prefix."""
        scorers: list[Scorer] = [dense]
        scorers += [Typed(dense, prefix_type(size)) for size in self.params.matryoshka]
        queries = {query_id: self.split.queries[query_id] for query_id in self.split.qrels}
        return fmean(self.value(Embedded(scorer).search(queries, DEPTH)) for scorer in scorers)

    def value(self, run: Run) -> float:
        """What a run of the dev queries is worth, 0 to 1."""
        by_answers = ndcg(run, self.split.qrels)
        if self.teacher is None:
            return by_answers
        by_teacher = sum(
            agreement(list(run[query_id]), self.teacher[query_id], self.params.teacher_temperature)
            for query_id in sorted(self.split.qrels)
        )
        return (by_answers + by_teacher / len(self.split.qrels)) / 2


def choose_dev(by_people: Split, synthetic: Split, mined: Mined, params: Train) -> Dev:
    """People's dev split where there is one, else the synthetic one beside the teacher's ranking.

    Where the base ranks better than the teacher, known answers alone judge.

    Args:
        by_people: may be empty.
        synthetic: generated queries with the documents that they were written for.
        mined: the teacher's rankings of the synthetic queries, and whether it teaches.
        params: the teacher's temperature, and the prefixes that have to rank well.

    """
    if by_people:
        return Dev(by_people, None, params)
    if not mined.taught:
        return Dev(synthetic, None, params)
    return Dev(synthetic, {row.query_id: row.ranking for row in mined.dev}, params)


def agreement(ranking: list[str], teacher: dict[str, float], temperature: float) -> float:
    """nDCG@10 with the teacher's probabilities as gains."""
    best = max(teacher.values())
    gains = {doc_id: math.exp((s - best) / temperature) for doc_id, s in teacher.items()}
    ideal = sorted(gains.values(), reverse=True)
    return _dcg([gains.get(doc_id, 0.0) for doc_id in ranking]) / _dcg(ideal)


def _dcg(gains: list[float]) -> float:
    return sum(gain / math.log2(rank + 2) for rank, gain in enumerate(gains[:DEPTH]))
