"""Rankings that are there already, so that a query is ranked once.

A ranking is known by the query's text and by all that ranks: where a document, a vector or a
parameter of the teacher has changed, every score over the whole corpus may have. What changed in
the queries alone costs these queries alone.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from stages.lib.core.collection import Queries
from stages.lib.core.files import read_text, writing
from stages.lib.encoding.store import Keys, text_keys
from stages.lib.search.engine import Run
from stages.lib.teaching.teacher import Teacher

Rows = npt.NDArray[np.int32]
Scores = npt.NDArray[np.float64]

NONE = -1
"""Stands for the documents that a shorter ranking does not have."""


@dataclass(frozen=True, slots=True)
class Rankings:
    """Rankings of texts.

    Args:
        keys: of the texts, (texts, 2).
        rows: the ranked documents by their place in the corpus, (texts, depth), NONE at the end.
        scores: theirs, (texts, depth).

    """

    keys: Keys
    rows: Rows
    scores: Scores

    def run(self, queries: Queries, doc_ids: list[str]) -> Run:
        """The rankings of those of the queries that are known."""
        places = {key.tobytes(): place for place, key in enumerate(self.keys)}
        found: Run = {}
        for query_id, key in zip(queries, text_keys(list(queries.values())), strict=True):
            place = places.get(key.tobytes())
            if place is not None:
                pairs = zip(self.rows[place].tolist(), self.scores[place].tolist(), strict=True)
                found[query_id] = {doc_ids[row]: score for row, score in pairs if row != NONE}
        return found


class Remembered:
    """A teacher that ranks what it has not ranked before.

    Args:
        teacher: ranks.
        doc_ids: the corpus, in its order.
        before: the rankings of an earlier run of the same teacher over the same corpus.

    """

    def __init__(self, teacher: Teacher, doc_ids: list[str], before: Rankings) -> None:
        self.name = teacher.name
        self.ranked = 0
        """How many queries the teacher itself has ranked."""
        self._teacher = teacher
        self._doc_ids = doc_ids
        self._before = before
        self._used: dict[str, dict[str, float]] = {}

    def rank(self, queries: Queries) -> Run:
        """The best documents of each query, best first."""
        known = self._before.run(queries, self._doc_ids)
        new = {query_id: text for query_id, text in queries.items() if query_id not in known}
        self.ranked += len(new)
        run = (known | self._teacher.rank(new)) if new else known
        self._used |= {text: run[query_id] for query_id, text in queries.items()}
        return {query_id: run[query_id] for query_id in queries}

    @property
    def texts(self) -> list[str]:
        """The queries that were asked for, sorted."""
        return sorted(self._used)

    def rankings(self) -> Rankings:
        """All that was asked for, in the order of the texts."""
        texts = self.texts
        depth = max((len(self._used[text]) for text in texts), default=0)
        rows = np.full((len(texts), depth), NONE, np.int32)
        scores = np.zeros((len(texts), depth))
        places = {doc_id: place for place, doc_id in enumerate(self._doc_ids)}
        for place, text in enumerate(texts):
            ranking = self._used[text]
            rows[place, : len(ranking)] = [places[doc_id] for doc_id in ranking]
            scores[place, : len(ranking)] = list(ranking.values())
        return Rankings(text_keys(texts), rows, scores)


def read_rankings(folder: Path, ranked_by: str) -> Rankings:
    """The rankings in a folder, where the same teacher made them; else none."""
    described = folder / "ranked_by.txt"
    if described.is_file() and read_text(described) == ranked_by:
        return Rankings(*(np.load(folder / f"{name}.npy") for name in Rankings.__slots__))
    return Rankings(text_keys([]), np.zeros((0, 0), np.int32), np.zeros((0, 0)))


def write_rankings(folder: Path, rankings: Rankings, ranked_by: str) -> None:
    """Writes rankings, and what ranked."""
    for name in Rankings.__slots__:
        np.save(folder / f"{name}.npy", getattr(rankings, name))
    with writing(folder / "ranked_by.txt") as file:
        file.write(ranked_by + "\n")
