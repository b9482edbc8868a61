import numpy as np
import pytest

from stages.lib.search.neighbours import Neighbours
from stages.lib.teaching.fusion import Smoothed
from tests.search.scorers import GivenScores

VECTORS = np.array([[1, 0], [0.8, 0.6], [0, 1], [0.6, 0.8]], dtype=np.float32)


def test_smoothing_lifts_the_neighbour_of_a_hit() -> None:
    scorer = GivenScores("abcd", {"q": [0.0, 0.0, 4.0, 0.0]})
    found = Smoothed(scorer, Neighbours(VECTORS, 1), 0.25).scores(["q"])[0]
    # d is nearest to b, and c to d: only a document whose neighbour was hit is lifted
    raw = np.array([0.0, 0.0, 3.0, 0.0])
    assert found == pytest.approx((raw - raw.mean()) / raw.std(), abs=1e-5)
    scorer = GivenScores("abcd", {"q": [0.0, 4.0, 0.0, 0.0]})
    found = Smoothed(scorer, Neighbours(VECTORS, 1), 0.25).scores(["q"])[0]
    raw = np.array([1.0, 3.0, 0.0, 1.0])
    assert found == pytest.approx((raw - raw.mean()) / raw.std(), abs=1e-5)
