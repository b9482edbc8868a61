"""The system that is served."""

from collections.abc import Sequence

import numpy as np
import pytest

from stages.lib.encoding.encoder import Vectors
from stages.lib.evaluation.served import best_rival, served_engine
from stages.lib.params import Params
from stages.lib.search.engine import Dense, ReciprocalRanks


class Table:
    """A scorer with a row of scores a text."""

    def __init__(self, rows: dict[str, list[float]]) -> None:
        self.doc_ids = ["a", "b", "c"]
        self._rows = rows

    def scores(self, texts: Sequence[str]) -> Vectors:
        return np.array([self._rows[text] for text in texts], np.float32)


class Known(Dense):
    """A search whose queries have vectors of their own."""

    def __init__(self, vectors: list[list[float]], query: list[float]) -> None:
        self.doc_ids = ["a", "b", "c"]
        self.vectors = np.array(vectors, np.float32)
        self._query = np.array([query], np.float32)

    def encode(self, texts: object) -> Vectors:  # noqa: ARG002
        return self._query


def test_reciprocal_ranks_by_hand() -> None:
    engine = ReciprocalRanks(Table({"x": [3, 2, 1]}), Table({"x": [0, 5, 9]}), targets=2)
    run = engine.search({"q": "x"}, 10)
    # a: rank 1; c: rank 1 of the other; b: rank 2 of both
    assert list(run["q"]) == ["b", "a", "c"]
    assert run["q"]["b"] == pytest.approx(2 / 62)
    assert run["q"]["a"] == run["q"]["c"] == pytest.approx(1 / 61)


@pytest.mark.parametrize(("profile", "first"), [("semantic", "a"), ("hybrid", "c"), ("rrf", "c")])
def test_the_default_profile_answers(params: Params, profile: str, first: str) -> None:
    dense = Known([[1, 0], [0, 1], [0.99, 0.141]], [1, 0])
    lexical = Table({"x": [0, 1, 2]})
    package = params.package.model_copy(update={"profile": profile, "vector_type": "float"})
    run = served_engine(dense, lexical, 0.5, package).search({"q": "x"}, 3)
    assert next(iter(run["q"])) == first


def test_vectors_are_as_the_package_stores_them(params: Params) -> None:
    dense = Known([[1, 0.001], [-1, 1], [1, 1]], [1, 0.5])
    bits = params.package.model_copy(update={"profile": "semantic", "vector_type": "binary"})
    run = served_engine(dense, Table({}), 1.0, bits).search({"q": "x"}, 3)
    # a and c have the same signs
    assert run["q"]["a"] == run["q"]["c"] > run["q"]["b"]
    short = params.package.model_copy(
        update={"profile": "semantic", "vector_type": "bfloat16", "dimensions": 1}
    )
    run = served_engine(dense, Table({}), 1.0, short).search({"q": "x"}, 3)
    assert run["q"] == {"a": 1.0, "c": 1.0, "b": -1.0}


def test_the_best_rival_and_the_earlier_of_equals() -> None:
    assert best_rival({"bm25": 0.5, "base": 0.5, "base+bm25": 0.4, "tuned": 0.9}) == "bm25"
    assert best_rival({"bm25": 0.3, "base": 0.4, "base+bm25": 0.6}) == "base+bm25"
