import pytest

from stages.lib.selection.leaks import nearest


def test_every_block_of_texts_is_compared(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("stages.lib.selection.leaks.BLOCK", 2)
    texts = ["a blue car", "nothing", "red apple", "the red apple", "blue"]
    others = ["the red apple", "blue"]
    assert list(nearest(texts, others)) == [1 / 3, 0, 2 / 3, 1, 1]
