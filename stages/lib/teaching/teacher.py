"""A teacher: a ranker that the student learns from, and that needs no judgements."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np

from stages.lib.core.collection import Corpus, Queries
from stages.lib.params import Mine
from stages.lib.search.engine import Dense, Embedded, Run, Scorer


class Teacher(Protocol):
    """Ranks documents for queries under a name."""

    name: str

    def rank(self, queries: Queries) -> Run:
        """The best documents of each query, best first."""
        ...


@dataclass(frozen=True, slots=True)
class Candidate:
    """A document that may hold the answer to a query."""

    query: str
    document: str
    answer: str


Likelihood = Callable[[Sequence[Candidate]], Sequence[float]]
"""The log-probability of each candidate's answer after its document and query."""


@dataclass(frozen=True, slots=True)
class Answered:
    """Answers to queries, and who says how likely they are.

    Args:
        answers: by the query's text.
        likelihood: of answers.

    """

    answers: Mapping[str, str]
    likelihood: Likelihood


NOTHING_ANSWERED = Answered({}, lambda _: [])
"""Where no language model is named."""


@dataclass(frozen=True, slots=True)
class Material:
    """What teachers are made of.

    Args:
        corpus: the documents.
        dense: whole documents, by the base.
        sentences: the best sentence of each, where sentences were encoded.
        lexical: BM25.
        dense_weight: share of the dense scores beside BM25.
        cross_encoder: the folder of the cross-encoder; empty where none is named.
        params: depths, shares, and which teachers are wanted.
        answered: what a language model goes by.

    """

    corpus: Corpus
    dense: Dense
    sentences: Scorer | None
    lexical: Scorer
    dense_weight: float
    cross_encoder: Path
    params: Mine
    answered: Answered = NOTHING_ANSWERED


class Ranker:
    """A teacher by a scorer of the whole corpus.

    Args:
        name: the teacher's.
        scorer: ranks.
        depth: documents a query.

    """

    def __init__(self, name: str, scorer: Scorer, depth: int) -> None:
        self.name = name
        self._engine = Embedded(scorer)
        self._depth = depth

    def rank(self, queries: Queries) -> Run:
        """The best documents of each query, best first."""
        return self._engine.search(queries, self._depth)


def regraded(head: Sequence[tuple[str, float]], grades: Sequence[float]) -> dict[str, float]:
    """The first documents of a ranking in another order, best first.

    Grades are moved to the mean and the spread of the scores that they replace, so that one
    temperature serves every teacher.

    Args:
        head: documents with the scores that they had.
        grades: of these documents; more is better.

    """
    replaced = np.array([score for _, score in head])
    values = np.asarray(grades, dtype=np.float64)
    standard = (values - values.mean()) / max(values.std(), 1e-9)
    moved = standard * replaced.std() + replaced.mean()
    order = sorted(range(len(head)), key=lambda at: (-moved[at], head[at][0]))
    return {head[at][0]: float(moved[at]) for at in order}
