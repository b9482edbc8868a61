from hypothesis import given
from hypothesis import strategies as st

from stages.lib.training.batches import OneSourceABatch


@given(st.lists(st.sampled_from("abcdef"), min_size=1, max_size=60), st.integers(1, 8))
def test_every_row_once_and_no_source_twice_in_a_batch(sources: list[str], size: int) -> None:
    batches = list(OneSourceABatch(sources, range(len(sources)), size, seed=1))
    assert sorted(row for batch in batches for row in batch) == list(range(len(sources)))
    for batch in batches:
        assert len(batch) <= size
        assert len({sources[row] for row in batch}) == len(batch)


def test_what_fills_no_batch_may_be_left_out() -> None:
    sources = ["a"] * 5 + list("bcdefghij")
    sampler = OneSourceABatch(sources, range(14), 4, seed=1, drop_last=True)
    batches = list(sampler)
    assert len(batches) == len(sampler) == 3
    assert {len(batch) for batch in batches} == {4}


def test_epochs_differ_and_repeat() -> None:
    sampler = OneSourceABatch([str(number) for number in range(50)], [1] * 50, 8, seed=1)
    first = list(sampler)
    sampler.set_epoch(1)
    assert list(sampler) != first
    sampler.set_epoch(0)
    assert list(sampler) == first


def test_batches_hold_queries_of_like_length() -> None:
    lengths = [1, 100] * 32
    for batch in OneSourceABatch([str(number) for number in range(64)], lengths, 8, seed=1):
        assert len({lengths[row] for row in batch}) == 1
