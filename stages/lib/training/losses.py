"""The losses that a student is trained by."""

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor
from torch.nn import functional

from stages.lib.core.examples import Example
from stages.lib.params import Train

OUT = -1e4  # a logit that leaves no probability


FEW = 3
"""Answers at which a query's judgements have half of their full weight."""


def teacher_scores(examples: Sequence[Example], columns: Mapping[str, int]) -> Tensor:
    """The teacher's scores, (examples, candidates).

    NaN for a document below the teacher's list, -inf for an unjudged query's own source.
    """
    scores = torch.full((len(examples), len(columns)), torch.nan)
    for row, example in enumerate(examples):
        known = {columns[doc_id]: s for doc_id, s in example.ranking.items() if doc_id in columns}
        scores[row, list(known)] = torch.tensor(list(known.values()))
        if example.source is not None and example.source in columns:
            scores[row, columns[example.source]] = -torch.inf
    return scores


def answer_weights(examples: Sequence[Example], columns: Mapping[str, int]) -> Tensor:
    """The weights of each row's answers, (examples, candidates); 0 where none is known.

    A row's n answers weigh n / (n + `FEW`) in all: where few are known, more are likely among what
    nobody judged, which the loss would push down.
    """
    weights = torch.zeros((len(examples), len(columns)))
    for row, example in enumerate(examples):
        known = [columns[doc_id] for doc_id in example.answers if doc_id in columns]
        number = len(example.answers)
        weights[row, known] = number / (number + FEW) / max(1, len(known))
    return weights


def cross_entropy(logits: Tensor, weights: Tensor) -> Tensor:
    """Mean over rows of the weighted cross-entropy of the student's distribution.

    Rows without answers count as 0, so that judgements weigh as much as they are many.
    """
    loss: Tensor = -(weights * functional.log_softmax(logits, dim=1)).sum(dim=1).mean()
    return loss


def kl(logits: Tensor, teacher: Tensor, params: Train) -> Tensor:
    """Mean KL divergence of the student's distribution over the candidates from the teacher's."""
    listed = teacher.isfinite()
    wanted = (
        functional.softmax(torch.where(listed, teacher, OUT) / params.teacher_temperature, dim=1)
        * listed
    )
    student = functional.log_softmax(logits, dim=1)
    divergence: Tensor = (torch.special.xlogy(wanted, wanted) - wanted * student).sum(dim=1)
    return divergence.mean()


def infonce(logits: Tensor, teacher: Tensor, positives: Tensor, share: float) -> Tensor:
    """Mean InfoNCE of the rows that have a positive (a column, or -1); 0 if none has.

    Documents with a teacher score above `share` of the positive's are left out.
    """
    rows = torch.nonzero(positives >= 0).squeeze(1)
    if not len(rows):
        return logits.sum() * 0
    wanted = positives[rows]
    best = teacher[rows].gather(1, wanted.unsqueeze(1))
    near = teacher[rows] > best - (1 - share) * best.abs()
    near[torch.arange(len(rows)), wanted] = False
    return functional.cross_entropy(logits[rows].masked_fill(near, OUT), wanted)


def margin_mse(logits: Tensor, teacher: Tensor, positives: Tensor) -> Tensor:
    """Mean squared difference of the student's margins from the teacher's (arXiv 2010.02666).

    Margins are those of a positive over each other document of the teacher's list. Rows without a
    positive (a column, or -1) have none; 0 if no row has.
    """
    rows = torch.nonzero(positives >= 0).squeeze(1)
    if not len(rows):
        return logits.sum() * 0
    wanted = positives[rows].unsqueeze(1)
    listed = teacher[rows].isfinite()
    known = torch.where(listed, teacher[rows], 0.0)
    theirs = known.gather(1, wanted) - known
    ours = logits[rows].gather(1, wanted) - logits[rows]
    loss: Tensor = (ours - theirs).square()[listed].mean()
    return loss
