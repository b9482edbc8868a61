import math
from collections.abc import Sequence

import pytest
import torch

from stages.lib.core.examples import Example
from stages.lib.params import Params
from stages.lib.training.losses import (
    LOSSES,
    OUT,
    Batch,
    answer_weights,
    infonce,
    judged,
    kl,
    margin_mse,
    teacher_scores,
    weights,
)
from tests.conftest import Change

EMPTY = torch.zeros(0)
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
    shares = answer_weights(examples, COLUMNS)
    assert torch.allclose(shares, torch.tensor([[3 / 12, 0.0, 3 / 12], [0.0, 0.0, 0.0]]))


def batch(
    params: Params,
    logits: list[list[float]],
    teacher: list[list[float]],
    positives: Sequence[int] = (),
) -> Batch:
    """A batch without answers, with the student's logits as they are given."""
    columns = torch.tensor(positives, dtype=torch.long)
    return Batch(torch.tensor(logits), torch.tensor(teacher), EMPTY, columns, params.train)


def test_every_loss_has_a_weight_and_what_is_off_is_left_out(with_params: Change) -> None:
    assert with_params({}).train.loss_weights.keys() == LOSSES.keys()
    changes = {f"train.{name}_weight": 2.0 for name in LOSSES}
    on = with_params(changes | {"train.infonce_weight": 0.0}).train
    assert weights(on, taught=True) == {"kl": 2.0, "judged": 2.0, "margin_mse": 2.0}
    # a refused teacher judges nothing
    assert weights(on, taught=False) == {"judged": 2.0}


def test_judged_by_hand(params: Params) -> None:
    # the student has 1/2 and 1/4 on the answers; the second row has no answer and counts as 0
    logits = torch.tensor([[0.5, 0.25, 0.25], [0.9, 0.05, 0.05]]).log()
    answers = torch.tensor([[0.5, 0.5, 0.0], [0.0, 0.0, 0.0]])
    wanted = (0.5 * math.log(2) + 0.5 * math.log(4)) / 2
    loss = judged(Batch(logits, EMPTY, answers, EMPTY, params.train))
    assert loss.item() == pytest.approx(wanted)


def test_kl_by_hand(with_params: Change) -> None:
    params = with_params({"train.teacher_temperature": 0.5})
    # the teacher has 2/3 and 1/3 on the two listed, the student 1/3 on each of the three
    teacher = [[math.log(2) / 2, 0.0, NAN]]
    wanted = 2 / 3 * math.log((2 / 3) / (1 / 3)) + 1 / 3 * math.log((1 / 3) / (1 / 3))
    loss = kl(batch(params, [[0.0, 0.0, 0.0]], teacher))
    assert loss.item() == pytest.approx(wanted, abs=1e-6)


def test_kl_is_zero_for_a_student_that_agrees(with_params: Change) -> None:
    params = with_params({"train.teacher_temperature": 1.0})
    teacher = [[1.0, 0.5, -0.5]]
    assert kl(batch(params, teacher, teacher)).item() == pytest.approx(0, abs=1e-6)


def test_infonce_masks_what_is_nearly_as_good_and_skips_rows_without_a_positive(
    with_params: Change,
) -> None:
    def loss(share: float, *positives: int) -> float:
        params = with_params({"train.false_negative_share": share})
        logits = [[1.0, 1.0, 1.0], [9.0, 9.0, 9.0]]
        teacher = [[1.0, 0.97, 0.5], [1.0, 1.0, 1.0]]
        return infonce(batch(params, logits, teacher, positives)).item()

    assert loss(0.95, 0, -1) == pytest.approx(math.log(2))
    assert loss(0.98, 0, -1) == pytest.approx(math.log(3))
    assert loss(0.95, -1, -1) == 0


def test_infonce_masks_a_better_document_even_when_scores_are_negative(
    with_params: Change,
) -> None:
    params = with_params({"train.false_negative_share": 0.95})
    loss = infonce(batch(params, [[0.0, 0.0, 0.0]], [[-1.0, -0.5, -1.2]], [0]))
    assert loss.item() == pytest.approx(math.log(2))
    assert OUT < -1000


def test_margin_mse_by_hand(with_params: Change) -> None:
    params = with_params({"train.teacher_temperature": 0.5})
    logits = [[3.0, 1.0, 0.0], [5.0, 5.0, 5.0]]
    teacher = [[1.0, 0.5, NAN], [0.5, 0.0, 0.0]]
    # margins to the one other listed document: 2 beside 1, in units of the temperature; the
    # positive's own are 0 beside 0
    assert margin_mse(batch(params, logits, teacher, [0, -1])).item() == pytest.approx(0.5)
    assert margin_mse(batch(params, logits, teacher, [-1, -1])).item() == 0
