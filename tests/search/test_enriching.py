"""Enriched documents, by hand."""

import numpy as np
import pytest

from stages.lib.encoding.encoder import Vectors
from stages.lib.search.engine import Dense
from stages.lib.search.enriching import enriched
from stages.lib.search.neighbours import Neighbours

# a and b are nearest to each other, by a cosine of 0.8; b is c's nearest, by 0.6
DOCUMENTS = np.array([[1, 0], [0.8, 0.6], [0, 1]], np.float32)


class Known(Dense):
    """A search whose queries have vectors of their own."""

    def __init__(self, queries: dict[str, tuple[float, float]]) -> None:
        self.doc_ids = ["a", "b", "c"]
        self.vectors = DOCUMENTS
        self._queries = queries

    def encode(self, texts: object) -> Vectors:
        return np.array([self._queries[text] for text in texts], np.float32)  # type: ignore[attr-defined]


def unit(vectors: list[list[float]]) -> Vectors:
    rows = np.array(vectors, np.float32)
    scaled: Vectors = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    return scaled


def enrich(
    asked: dict[str, list[str]], *, query_share: float, neighbours: int, smoothing: float
) -> Vectors:
    known = Known({"north": (0, 1), "east": (1, 0)})
    return enriched(known, asked, Neighbours(DOCUMENTS, neighbours), query_share, smoothing)


def test_vectors_are_mixed_with_their_neighbours() -> None:
    found = enrich({}, query_share=0.4, neighbours=1, smoothing=0.25)
    assert found == pytest.approx(unit([[0.95, 0.15], [0.85, 0.45], [0.2, 0.9]]), abs=1e-6)


def test_vectors_are_mixed_with_the_mean_of_their_queries() -> None:
    asked = {"a": ["north", "east"], "c": ["east"]}
    found = enrich(asked, query_share=0.5, neighbours=0, smoothing=0.5)
    half = 2**-0.5
    wanted = unit([[1 + half, half], [0.8, 0.6], [1, 1]])
    assert found == pytest.approx(wanted, abs=1e-6)


def test_queries_of_a_neighbour_arrive_too() -> None:
    found = enrich({"a": ["north"]}, query_share=1, neighbours=1, smoothing=0.5)
    # a is where its query is; b, whose text is near a's, is half of the way there
    assert found == pytest.approx(unit([[0.8, 1.6], [0.8, 1.6], [0.8, 1.6]]), abs=1e-6)


def test_shares_of_nothing_leave_the_vectors() -> None:
    found = enrich({"a": ["north"]}, query_share=0, neighbours=5, smoothing=0)
    assert found == pytest.approx(DOCUMENTS)
