"""Enriched documents, by hand."""

import numpy as np
import pytest

from stages.lib.core.examples import Example
from stages.lib.encoding.encoder import Vectors
from stages.lib.params import Params
from stages.lib.search.engine import Dense
from stages.lib.search.neighbours import Neighbours
from stages.lib.training.enriching import enriched

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


def example(text: str, *doc_ids: str) -> Example:
    return Example(text, text, {}, doc_ids)


def unit(vectors: list[list[float]]) -> Vectors:
    rows = np.array(vectors, np.float32)
    scaled: Vectors = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    return scaled


def enrich(params: Params, examples: list[Example], **changes: float) -> Vectors:
    section = params.train.model_copy(update=changes)
    neighbours = Neighbours(DOCUMENTS, section.neighbours)
    return enriched(Known({"north": (0, 1), "east": (1, 0)}), examples, neighbours, section)


def test_vectors_are_mixed_with_their_neighbours(params: Params) -> None:
    found = enrich(params, [], query_share=0.4, neighbours=1, smoothing=0.25)
    assert found == pytest.approx(unit([[0.95, 0.15], [0.85, 0.45], [0.2, 0.9]]), abs=1e-6)


def test_vectors_are_mixed_with_the_mean_of_their_queries(params: Params) -> None:
    asked = [example("north", "a"), example("east", "a", "c")]
    found = enrich(params, asked, query_share=0.5, neighbours=0, smoothing=0.5)
    half = 2**-0.5
    wanted = unit([[1 + half, half], [0.8, 0.6], [1, 1]])
    assert found == pytest.approx(wanted, abs=1e-6)


def test_queries_of_a_neighbour_arrive_too(params: Params) -> None:
    found = enrich(params, [example("north", "a")], query_share=1, neighbours=1, smoothing=0.5)
    # a is where its query is; b, whose text is near a's, is half of the way there
    assert found == pytest.approx(unit([[0.8, 1.6], [0.8, 1.6], [0.8, 1.6]]), abs=1e-6)


def test_shares_of_nothing_leave_the_vectors(params: Params) -> None:
    found = enrich(params, [example("north", "a")], query_share=0, neighbours=5, smoothing=0)
    assert found == pytest.approx(DOCUMENTS)
