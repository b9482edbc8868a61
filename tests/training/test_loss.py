import math
from collections.abc import Callable
from typing import Any

import pytest
import torch

from stages.lib.core.examples import Example
from stages.lib.params import Params
from stages.lib.training.losses import (
    OUT,
    answer_weights,
    cross_entropy,
    infonce,
    kl,
    margin_mse,
    teacher_scores,
)

Change = Callable[[dict[str, Any]], Params]
COLUMNS = {"a": 0, "b": 1, "c": 2}
NAN = math.nan


def test_teacher_scores_tell_listed_unlisted_and_own_source() -> None:
    examples = [
        Example("q1", "", {"a": 2.0, "b": 1.0}),
        Example("q2", "", {"c": 3.0, "a": 1.0, "elsewhere": 0.5}, source="c"),
    ]
    scores = teacher_scores(examples, COLUMNS)
    expected = torch.tensor([[2.0, 1.0, NAN], [1.0, NAN, -math.inf]])
    assert torch.allclose(scores, expected, equal_nan=True)


def test_answers_share_a_weight_that_grows_with_their_number() -> None:
    examples = [
        Example("q1", "", {"a": 2.0}, answers=("a", "c", "elsewhere")),
        Example("q2", "", {"a": 2.0}, positives=("a",)),
    ]
    weights = answer_weights(examples, COLUMNS)
    assert torch.allclose(weights, torch.tensor([[3 / 12, 0.0, 3 / 12], [0.0, 0.0, 0.0]]))


def test_cross_entropy_by_hand() -> None:
    # the student has 1/2 and 1/4 on the answers; the second row has no answer and counts as 0
    logits = torch.tensor([[0.5, 0.25, 0.25], [0.9, 0.05, 0.05]]).log()
    weights = torch.tensor([[0.5, 0.5, 0.0], [0.0, 0.0, 0.0]])
    wanted = (0.5 * math.log(2) + 0.5 * math.log(4)) / 2
    assert cross_entropy(logits, weights).item() == pytest.approx(wanted)


def test_kl_by_hand(with_params: Change) -> None:
    params = with_params({"train.teacher_temperature": 0.5}).train
    # the teacher has 2/3 and 1/3 on the two listed, the student 1/3 on each of the three
    teacher = torch.tensor([[math.log(2) / 2, 0.0, NAN]])
    logits = torch.zeros(1, 3)
    wanted = 2 / 3 * math.log((2 / 3) / (1 / 3)) + 1 / 3 * math.log((1 / 3) / (1 / 3))
    assert kl(logits, teacher, params).item() == pytest.approx(wanted, abs=1e-6)


def test_kl_is_zero_for_a_student_that_agrees(with_params: Change) -> None:
    params = with_params({"train.teacher_temperature": 1.0}).train
    teacher = torch.tensor([[1.0, 0.5, -0.5]])
    assert kl(teacher.clone(), teacher, params).item() == pytest.approx(0, abs=1e-6)


def test_infonce_masks_what_is_nearly_as_good_and_skips_rows_without_a_positive() -> None:
    logits = torch.tensor([[1.0, 1.0, 1.0], [9.0, 9.0, 9.0]])
    teacher = torch.tensor([[1.0, 0.97, 0.5], [1.0, 1.0, 1.0]])
    positives = torch.tensor([0, -1])
    assert infonce(logits, teacher, positives, 0.95).item() == pytest.approx(math.log(2))
    assert infonce(logits, teacher, positives, 0.98).item() == pytest.approx(math.log(3))
    assert infonce(logits, teacher, torch.tensor([-1, -1]), 0.95).item() == 0


def test_infonce_masks_a_better_document_even_when_scores_are_negative() -> None:
    teacher = torch.tensor([[-1.0, -0.5, -1.2]])
    loss = infonce(torch.zeros(1, 3), teacher, torch.tensor([0]), 0.95)
    assert loss.item() == pytest.approx(math.log(2))
    assert OUT < -1000


def test_margin_mse_by_hand() -> None:
    logits = torch.tensor([[3.0, 1.0, 0.0], [5.0, 5.0, 5.0]])
    teacher = torch.tensor([[2.0, 1.0, NAN], [1.0, 0.0, 0.0]])
    # margins to the one other listed document: 2 beside 1; the positive's own are 0 beside 0
    assert margin_mse(logits, teacher, torch.tensor([0, -1])).item() == pytest.approx(0.5)
    assert margin_mse(logits, teacher, torch.tensor([-1, -1])).item() == 0
