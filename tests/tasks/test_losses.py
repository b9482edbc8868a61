"""The losses, against values that were computed by hand."""

import math

import pytest
import torch

from stages.lib.tasks.losses import OUT, contrastive, divergence, softened

ALL = torch.ones(1, 3, dtype=torch.bool)
OWN = torch.tensor([[0, 1, 2]])


def test_contrastive_is_the_cross_entropy_of_the_positive() -> None:
    # e^ln2 / (2 + 1 + 1): a half
    logits = torch.tensor([[math.log(2), 0.0, 0.0]])
    assert contrastive(logits, OWN).item() == pytest.approx(math.log(2))


def test_softened_ranks_each_document_above_those_below_it() -> None:
    # probabilities of the first among all 4/8, of the second among the rest 2/4, of the third
    # among what is left 1/2 (the last column is another query's document); shares 1/2, 1/4, 1/4
    logits = torch.tensor([[math.log(4), math.log(2), 0.0, 0.0]])
    teacher = torch.tensor([[math.log(2), 0.0, 0.0]])
    loss = softened(logits, OWN, ALL, teacher, 1.0)
    assert loss.item() == pytest.approx(math.log(2))
    logits = torch.tensor([[math.log(4), 0.0, 0.0, OUT]])
    # 4/6, then 1/2, then 1; the shares at temperature 1/2 are 4/6, 1/6 and 1/6
    expected = 4 / 6 * math.log(6 / 4) + 1 / 6 * math.log(2)
    assert softened(logits, OWN, ALL, teacher, 0.5).item() == pytest.approx(expected)


def test_softened_leaves_out_what_a_query_lacks() -> None:
    present = torch.tensor([[True, True, False]])
    logits = torch.tensor([[math.log(3), 0.0, OUT]])
    # shares 1/2 each; 3/4, then 1
    expected = 0.5 * math.log(4 / 3)
    loss = softened(logits, OWN, present, torch.zeros(1, 3), 1.0)
    assert loss.item() == pytest.approx(expected)


def test_divergence_is_kl_with_the_teachers_temperature() -> None:
    # the teacher's 4/5 and 1/5 at temperature 1/2; ours 1/2 and 1/2
    present = torch.tensor([[True, True, False]])
    teacher = torch.tensor([[math.log(2), 0.0, 9.0]])
    logits = torch.tensor([[0.0, 0.0, OUT]])
    expected = 0.8 * math.log(0.8 / 0.5) + 0.2 * math.log(0.2 / 0.5)
    loss = divergence(logits, OWN, present, teacher, 0.5)
    assert loss.item() == pytest.approx(expected)
