"""Searches in which no query meets a document that was mixed with the query itself.

Documents that hold queries were written for are mixed with them. A query whose document was mixed
with nothing, because its queries were held out, loses to all that were; one whose document was
mixed with the query itself finds it for free. So held-out queries are dealt into folds, and each is
ranked by documents that were mixed with all the others (cross-fitting, as in Chernozhukov et al.,
arXiv 1608.00060).
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from stages.lib.core.collection import Split
from stages.lib.encoding.encoder import Vectors
from stages.lib.search.engine import Dense, Scorer

FOLDS = 3

Asked = Mapping[str, Sequence[str]]
"""Queries by the doc_id that they were written for."""


@dataclass(frozen=True, slots=True)
class Search:
    """A model's dense search, by documents that the query at hand is no part of.

    Args:
        parts: one for each fold of queries that was left out, and last the one without any left
            out; that one alone where no query is mixed into documents.
        folds: the fold of a query, by its text; other queries have none.

    """

    parts: Sequence[Dense]
    folds: Mapping[str, int] = field(default_factory=dict)

    def by(self, make: Callable[[Dense], Scorer]) -> Scorer:
        """A scorer that takes a query to what is made of its part."""
        made = [make(part) for part in self.parts]
        return made[0] if len(made) == 1 else _Dealt(made, self.folds)


class _Dealt:
    def __init__(self, parts: Sequence[Scorer], folds: Mapping[str, int]) -> None:
        self.doc_ids = parts[0].doc_ids
        self._parts = parts
        self._folds = folds

    def scores(self, texts: Sequence[str]) -> Vectors:
        """Scores of every document for each text, (texts, documents)."""
        part_of = np.array([self._folds.get(text, len(self._parts) - 1) for text in texts], int)
        scores = np.empty((len(texts), len(self.doc_ids)), dtype=np.float32)
        for number, part in enumerate(self._parts):
            rows = np.flatnonzero(part_of == number)
            if len(rows):
                scores[rows] = part.scores([texts[row] for row in rows.tolist()])
        return scores


def deal(asked: Split) -> dict[str, int]:
    """The fold of each query's text: a document's queries go into different ones."""
    dealt: dict[str, int] = {}
    counts: dict[str, int] = {}
    for query_id in sorted(asked.qrels):
        doc_id = min(asked.qrels[query_id])
        counts[doc_id] = counts.get(doc_id, -1) + 1
        dealt[asked.queries[query_id]] = counts[doc_id] % FOLDS
    return dealt


def by_document(asked: Split, folds: Mapping[str, int], without: int | None = None) -> Asked:
    """Queries by the documents that they were written for, without those of a fold."""
    found: dict[str, list[str]] = {}
    for query_id in sorted(asked.qrels):
        text = asked.queries[query_id]
        if folds[text] != without:
            for doc_id in asked.qrels[query_id]:
                found.setdefault(doc_id, []).append(text)
    return found
