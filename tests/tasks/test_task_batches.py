"""Batches of one task each."""

from collections import Counter

import pytest

from stages.lib.tasks.batches import OneTaskABatch

TASKS = [0] * 10 + [1] * 3


@pytest.mark.parametrize("evenly", [False, True])
def test_a_batch_is_of_one_task(evenly: bool) -> None:
    sampler = OneTaskABatch(TASKS, 4, seed=1, evenly=evenly)
    batches = list(sampler)
    assert len(batches) == len(sampler)
    assert all(len({TASKS[row] for row in batch}) == 1 for batch in batches)
    sampler.set_epoch(1)
    assert list(sampler) != batches


def test_by_size_each_row_comes_once() -> None:
    rows = Counter(row for batch in OneTaskABatch(TASKS, 4, seed=1) for row in batch)
    assert rows == Counter(range(len(TASKS)))
    assert sum(1 for _ in OneTaskABatch(TASKS, 4, seed=1, drop_last=True)) == 2


def test_evenly_each_task_has_as_many_batches() -> None:
    batches = list(OneTaskABatch(TASKS, 4, seed=1, evenly=True))
    assert Counter(TASKS[batch[0]] for batch in batches) == {0: 2, 1: 2}
    # the three rows of the small one come again before any comes a third time
    small = Counter(row for batch in batches for row in batch if TASKS[row])
    assert set(small.values()) <= {2, 3}
