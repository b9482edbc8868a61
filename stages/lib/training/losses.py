"""The losses that a student is trained by: a function of a batch each, in a table by name."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from stages.lib.core.examples import Example
from stages.lib.train_params import Train

OUT = -1e4
"""A logit that leaves no probability."""

FEW = 3
"""Answers at which a query's judgements have half of their full weight."""


@dataclass(frozen=True, slots=True)
class Batch:
    """What a loss compares, for a batch of examples and the documents that they are ranked against.

    Args:
        logits: the student's cosines by its temperature, (examples, documents).
        teacher: as `teacher_scores` gives them, (examples, documents).
        answers: as `answer_weights` gives them, (examples, documents).
        positives: the column of a positive of each example, or -1, (examples,).
        params: temperatures and shares.

    """

    logits: Tensor
    teacher: Tensor
    answers: Tensor
    positives: Tensor
    params: Train


def kl(batch: Batch) -> Tensor:
    """Mean KL divergence of the student's distribution over the documents from the teacher's.

    The teacher's is the softmax over its own list.
    """
    listed = batch.teacher.isfinite()
    scores = torch.where(listed, batch.teacher, OUT) / batch.params.teacher_temperature
    wanted = functional.softmax(scores, dim=1) * listed
    student = functional.log_softmax(batch.logits, dim=1)
    divergence: Tensor = (torch.special.xlogy(wanted, wanted) - wanted * student).sum(dim=1)
    return divergence.mean()


def judged(batch: Batch) -> Tensor:
    """Mean over examples of the cross-entropy of the student's distribution to the answers.

    Examples without answers count as 0, so that judgements weigh as much as they are many.
    """
    student = functional.log_softmax(batch.logits, dim=1)
    loss: Tensor = -(batch.answers * student).sum(dim=1).mean()
    return loss


def infonce(batch: Batch) -> Tensor:
    """Mean InfoNCE of the examples that have a positive; 0 if none has.

    Documents with a teacher score above `false_negative_share` of the positive's are left out.
    """
    rows = torch.nonzero(batch.positives >= 0).squeeze(1)
    if not len(rows):
        return batch.logits.sum() * 0
    wanted, teacher = batch.positives[rows], batch.teacher[rows]
    best = teacher.gather(1, wanted.unsqueeze(1))
    near = teacher > best - (1 - batch.params.false_negative_share) * best.abs()
    near[torch.arange(len(rows)), wanted] = False
    return functional.cross_entropy(batch.logits[rows].masked_fill(near, OUT), wanted)


def margin_mse(batch: Batch) -> Tensor:
    """Mean squared difference of the student's margins from the teacher's (arXiv 2010.02666).

    Margins are those of a positive over each other document of the teacher's list, on both sides
    in units of the temperature. Examples without a positive have none; 0 if no example has.
    """
    rows = torch.nonzero(batch.positives >= 0).squeeze(1)
    if not len(rows):
        return batch.logits.sum() * 0
    wanted = batch.positives[rows].unsqueeze(1)
    teacher, logits = batch.teacher[rows] / batch.params.teacher_temperature, batch.logits[rows]
    listed = teacher.isfinite()
    scores = torch.where(listed, teacher, 0.0)
    theirs = scores.gather(1, wanted) - scores
    ours = logits.gather(1, wanted) - logits
    loss: Tensor = (ours - theirs).square()[listed].mean()
    return loss


@dataclass(frozen=True, slots=True)
class Loss:
    """A loss, what of an example it learns from, and whether that is the teacher's.

    Where the teacher is refused, the losses that need it are off.
    """

    function: Callable[[Batch], Tensor]
    material: Callable[[Example], Collection[str]]
    needs_teacher: bool


LOSSES: Mapping[str, Loss] = {
    "kl": Loss(kl, lambda example: example.ranking, needs_teacher=True),
    "judged": Loss(judged, lambda example: example.answers, needs_teacher=False),
    "infonce": Loss(infonce, lambda example: example.positives, needs_teacher=False),
    "margin_mse": Loss(margin_mse, lambda example: example.positives, needs_teacher=True),
}
"""The losses by name; their weights stand in params.yaml as train.NAME_weight."""


def weights(params: Train, *, taught: bool) -> dict[str, float]:
    """The weights of the losses that are on, by name.

    Args:
        params: the weights; 0 is off.
        taught: whether there is a teacher to learn from.

    """
    return {
        name: params.loss_weights[name]
        for name, loss in LOSSES.items()
        if params.loss_weights[name] and (taught or not loss.needs_teacher)
    }


def teach(examples: Iterable[Example], params: Train, *, taught: bool) -> bool:
    """Whether a loss that is on learns anything from the examples."""
    material = [LOSSES[name].material for name in weights(params, taught=taught)]
    return any(of(example) for example in examples for of in material)


def teacher_scores(examples: Sequence[Example], columns: Mapping[str, int]) -> Tensor:
    """The teacher's scores, (examples, documents).

    NaN for a document below the teacher's list, -inf for an unlabelled query's own source.
    """
    scores = torch.full((len(examples), len(columns)), torch.nan)
    for row, example in enumerate(examples):
        listed = {columns[doc_id]: s for doc_id, s in example.ranking.items() if doc_id in columns}
        scores[row, list(listed)] = torch.tensor(list(listed.values()))
        if example.source is not None and example.source in columns:
            scores[row, columns[example.source]] = -torch.inf
    return scores


def answer_weights(examples: Sequence[Example], columns: Mapping[str, int]) -> Tensor:
    """The weights of each example's answers, (examples, documents); 0 where none is known.

    An example's n answers weigh n / (n + `FEW`) in all: where few are known, more are likely among
    what nobody judged, which the loss would push down.
    """
    shares = torch.zeros((len(examples), len(columns)))
    for row, example in enumerate(examples):
        answers = [columns[doc_id] for doc_id in example.answers if doc_id in columns]
        number = len(example.answers)
        shares[row, answers] = number / (number + FEW) / max(1, len(answers))
    return shares
