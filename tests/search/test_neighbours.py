import numpy as np
import pytest

from stages.lib.search.neighbours import Neighbours

VECTORS = np.array([[1, 0], [0.8, 0.6], [0, 1], [0.6, 0.8]], dtype=np.float32)


def test_neighbours_by_hand() -> None:
    found = Neighbours(VECTORS, 2)
    # cosines: 0-1 .8, 0-3 .6; 1-3 .96, 1-0 .8; 2-3 .8, 2-1 .6
    assert [set(row) for row in found.indices] == [{1, 3}, {0, 3}, {1, 3}, {1, 2}]
    first = dict(zip(found.indices[0], found.weights[0], strict=True))
    assert first[1] == pytest.approx(0.8 / 1.4)
    assert found.weights.sum(axis=1) == pytest.approx(1)


def test_more_neighbours_than_documents() -> None:
    assert Neighbours(VECTORS, 9).indices.shape == (4, 3)
    assert Neighbours(VECTORS[:1], 5).indices.shape == (1, 0)
