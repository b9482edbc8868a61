"""Draws the dev queries to judge, and the documents that get hard ones."""

from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from stages.lib.core import seeds
from stages.lib.core.collection import Queries, Split
from stages.lib.core.generated import query_id
from stages.lib.encoding.encoder import Vectors

ASKED = "asked"
"""The type of the queries that were written for training, in metrics."""


class DevQueries:
    """Queries to judge, with what they were written for, and as what."""

    def __init__(self) -> None:
        self.split = Split()
        self.types: dict[str, str] = {}

    def add(self, name: str, text: str, kind: str, sources: Iterable[str]) -> None:
        """Takes a query of this type that was written for a document, or for copies of it."""
        self.split.queries[name] = text
        self.split.qrels[name] = dict.fromkeys(sources, 1)
        self.types[name] = kind

    def add_asked(self, asked: Split, count: int, seed: int) -> None:
        """Draws queries of held-out documents."""
        for name in drawn(asked.queries, count, seed):
            self.add(name, asked.queries[name], ASKED, asked.qrels[name])

    def add_hard(
        self,
        answers: Mapping[str, Iterable[Mapping[str, str]]],
        copies: Mapping[str, Sequence[str]],
    ) -> None:
        """Takes the hard queries that a language model wrote.

        Args:
            answers: text by type, for each question about a document, by doc_id.
            copies: the documents of the same text, by doc_id, its own among them.

        """
        for doc_id in sorted(answers):
            for part in answers[doc_id]:
                for kind, text in part.items():
                    self.add(query_id(doc_id, kind, text), text, kind, copies[doc_id])


def drawn(ids: Iterable[str], count: int, seed: int) -> list[str]:
    """Some of the ids, as many as `count` says, by hash."""
    return seeds.shuffled(seed, ids, "judge_dev")[:count]


def drawn_documents(asked: Split, count: int, seed: int) -> dict[str, list[str]]:
    """Held-out documents, by hash, each with those of the same text, its own id among them."""
    groups = {min(sources): sorted(sources) for sources in asked.qrels.values()}
    return {doc_id: groups[doc_id] for doc_id in drawn(groups, count, seed)}


def nearest(
    groups: Mapping[str, Sequence[str]], doc_ids: Sequence[str], vectors: Vectors
) -> dict[str, str]:
    """The document that is most like each, other than those of the same text.

    Args:
        groups: the documents of the same text, by the doc_id whose neighbour is wanted.
        doc_ids: of the whole corpus.
        vectors: of the whole corpus, (documents, dimensions), unit length.

    Returns:
        The neighbours' doc_ids; a document without another beside it has none.

    """
    rows = {doc_id: row for row, doc_id in enumerate(doc_ids)}
    neighbours: dict[str, str] = {}
    for doc_id, group in groups.items():
        cosines = vectors @ vectors[rows[doc_id]]
        cosines[[rows[copy] for copy in group]] = -np.inf
        best = int(cosines.argmax())
        if np.isfinite(cosines[best]):
            neighbours[doc_id] = doc_ids[best]
    return neighbours


def pools(
    queries: Queries,
    runs: Sequence[Mapping[str, Mapping[str, float]]],
    sources: Mapping[str, Iterable[str]],
    depth: int,
    seed: int,
) -> dict[str, list[str]]:
    """The documents to grade for each query, in an order that tells nothing of their ranks.

    Args:
        queries: all of them.
        runs: of the systems whose first documents are graded, best first.
        sources: the documents that queries were written for, which are graded too.
        depth: documents of each system.
        seed: of the order.

    """
    found: dict[str, list[str]] = {}
    for name in queries:
        pool = {doc_id for run in runs for doc_id in list(run[name])[:depth]}
        found[name] = seeds.shuffled(seed, pool | set(sources.get(name, ())), "judge_dev", name)
    return found


def additions(
    pools: Mapping[str, Iterable[str]],
    runs: Sequence[Mapping[str, Mapping[str, float]]],
    depth: int,
    seed: int,
) -> dict[str, list[str]]:
    """The documents of further systems that are in no pool, in an order that tells nothing either.

    Args:
        pools: the documents that are graded anyway, by query_id.
        runs: of the further systems, best first.
        depth: documents of each.
        seed: of the order.

    """
    found: dict[str, list[str]] = {}
    for name, pool in pools.items():
        new = {doc_id for run in runs for doc_id in list(run[name])[:depth]} - set(pool)
        found[name] = seeds.shuffled(seed, new, "judge_dev", name)
    return found
