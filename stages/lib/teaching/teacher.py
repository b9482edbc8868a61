"""A teacher: a ranker that the student learns from, and that needs no judgements."""

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

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

    """

    corpus: Corpus
    dense: Dense
    sentences: Scorer | None
    lexical: Scorer
    dense_weight: float
    cross_encoder: Path
    params: Mine


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
