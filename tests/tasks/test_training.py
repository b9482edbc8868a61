"""Which documents of a batch count for a query."""

import pytest

from stages.lib.tasks.groups import Group
from stages.lib.tasks.task import read_kind
from stages.lib.tasks.training import _masks
from tests.imports import ROOT

KINDS = ROOT / "stages" / "presets" / "tasks"

BATCH = [
    Group(0, "q", ("right", "wrong"), answers=frozenset({"right", "right too"})),
    Group(0, "r", ("right too", "right", "far")),
]


@pytest.mark.parametrize(
    ("in_batch", "counts"),
    [
        # the first has no third document; of the other's, "far" alone is no answer of it, and
        # "wrong" is the only one of the first's that is not among the second's own
        (True, [[1, 1, 0, 0, 0, 1], [0, 1, 0, 1, 1, 1]]),
        (False, [[1, 1, 0, 0, 0, 0], [0, 0, 0, 1, 1, 1]]),
    ],
)
def test_no_answer_is_a_negative(in_batch: bool, counts: list[list[int]]) -> None:
    settings = read_kind(KINDS, "qa", {"in_batch": in_batch}, "test")
    present, found = _masks(BATCH, 3, settings)
    assert present.int().tolist() == [[1, 1, 0], [1, 1, 1]]
    assert found.int().tolist() == counts
