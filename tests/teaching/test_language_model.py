"""A language model as teacher, by likelihoods that are given."""

from collections.abc import Sequence

import pytest

from stages.lib.teaching.language_model import Reader, answers_by_text
from stages.lib.teaching.teacher import Answered, Candidate
from tests.teaching.test_cross_encoder import CORPUS, First


def given(candidates: Sequence[Candidate]) -> list[float]:
    """The car holds every answer, the dog more than the apple."""
    assert {(one.query, one.answer) for one in candidates} == {("what is blue", "the car")}
    likely = {CORPUS[name].contents: value for name, value in (("car", -1), ("dog", -2))}
    return [likely.get(one.document, -9) for one in candidates]


def test_documents_come_in_the_order_of_the_answer_with_mean_and_spread_kept() -> None:
    answered = Answered({"what is blue": "the car"}, given)
    queries = {"q": "what is blue", "other": "what is red"}
    run = Reader("reader", CORPUS, First(), answered, 2).rank(queries)
    # of two scores, with mean 2 and deviation 1, one is 3 and one is 1; the third leaves
    assert list(run["q"]) == ["car", "apple"]
    assert list(run["q"].values()) == pytest.approx([3.0, 1.0])
    assert run["other"] == First().rank(queries)["other"], "without an answer nothing changes"
    assert list(run) == list(queries)
    whole = Reader("reader", CORPUS, First(), answered, 3).rank(queries)
    assert list(whole["q"]) == ["car", "dog", "apple"]


def test_of_two_answers_to_one_text_that_of_the_lower_id_counts() -> None:
    queries = {"b": "what is red", "a": "what is red", "c": "what is blue"}
    answers = {"b": "the bus", "a": "the apple", "elsewhere": "the car"}
    assert answers_by_text(answers, queries) == {"what is red": "the apple"}
