import tracemalloc

import pytest

from stages.lib.selection.leaks import nearest


def test_every_block_of_texts_is_compared(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("stages.lib.selection.leaks.PAIRS", 4)
    texts = ["a blue car", "nothing", "red apple", "the red apple", "blue"]
    others = ["the red apple", "blue"]
    assert list(nearest(texts, others)) == [1 / 3, 0, 2 / 3, 1, 1]


def test_many_evaluation_queries_take_no_more_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("stages.lib.selection.leaks.PAIRS", 50_000)
    texts = [f"the {number}" for number in range(1000)]
    tracemalloc.start()
    nearest(texts, [f"the other {number}" for number in range(1000)])
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert most < 8e6, "of all pairs at once it is above 24 MB"
