"""Negatives out of what a retriever found."""

from stages.lib.tasks.negatives import with_keys, with_negatives
from stages.lib.tasks.rows import Row

CORPUS = ["it is in Paris", "it is in Rome", "the tower", "Paris, again", "a bridge"]
ROW = Row(query="where?", pos=["the tower"], answers=["Paris"], neg=["old"], teacher_scores=[1, 2])


def test_what_is_right_or_holds_an_answer_is_no_negative() -> None:
    found = with_negatives(ROW, [0, 2, 3, 4, 1], CORPUS, 2)
    assert (found.neg, found.neg_index) == (["a bridge", "it is in Rome"], [4, 1])
    # they were of other documents
    assert found.teacher_scores is None
    # a positive that is known by its place alone is none either
    placed = Row(query="where?", pos_index=[1])
    assert with_negatives(placed, [1, 4], CORPUS, 9).neg == ["a bridge"]


def test_keys_are_all_that_was_found() -> None:
    found = with_keys(ROW, [0, 2, 3], CORPUS, 2)
    assert (found.key, found.key_index) == (["it is in Paris", "the tower"], [0, 2])
