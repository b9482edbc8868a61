"""The choice of how far an approximate search looks, in a graph that really is approximate."""

import numpy as np
import pytest

from stages.lib.search.engine import Engine, Run
from stages.lib.vespa.operate.exploring import explore
from tests.bench.exploring import Searched, unit
from tests.vespa.standin.neighbours import Neighbours
from tests.vespa.standin.package import VectorField, VectorType
from tests.vespa.standin.runtime import Vector

Generated = tuple[Neighbours, Vector, Vector]
QUERIES = {str(number): "" for number in range(20)}


@pytest.fixture(scope="module")
def searched() -> Generated:
    drawn = np.random.default_rng(1)
    stored = unit(drawn.normal(size=(3000, 32)))
    # few links, so that a walk misses neighbours
    field = VectorField("v", VectorType("float", 32), "angular", 3, 10, True, None, None)
    rows = unit(drawn.normal(size=(len(QUERIES), 32)))
    found = Neighbours(field, {str(number): row for number, row in enumerate(stored)})
    return found, stored, rows


def test_the_first_number_that_finds_enough_is_taken(searched: Generated) -> None:
    def walk(number: int) -> Engine:
        return Searched(*searched, number)

    exact = Searched(*searched)
    every = explore(exact, walk, QUERIES, [0, 100, 1000, 4000], 1.1)
    recall = list(every.recall.values())
    assert recall == sorted(set(recall))  # each looks further, and finds more
    assert recall[0] + 0.05 < recall[-1]
    assert every.additional_hits == 4000  # none is enough
    middle = explore(exact, walk, QUERIES, [100, 1000, 4000], every.recall[1000])
    assert middle.additional_hits == 1000
    assert list(middle.recall) == [0, 100, 1000]  # what comes without any is told as well
    assert middle.row["by_additional_hits"]["0"] == round(recall[0], 4)


def test_no_queries_need_no_search() -> None:
    class Nobody:
        def search(self, queries: dict[str, str], depth: int) -> Run:
            assert not queries
            assert depth
            return {}

    found = explore(Nobody(), lambda _: Nobody(), {}, [50, 100], 0.9)
    assert found.additional_hits == 50
