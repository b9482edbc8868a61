"""The loss: the student's ranking of documents against the teacher's."""

from collections.abc import Iterator, Mapping, Sequence

import torch
from sentence_transformers import SentenceTransformer
from torch import Tensor
from torch.nn import functional

from stages.lib.params import Train
from stages.lib.teaching.negatives import Example
from stages.lib.training.documents import Documents

OUT = -1e4  # a logit that leaves no probability
FEW = 3
"""Answers at which a query's judgements have half of their full weight."""


class Distillation(torch.nn.Module):
    """Listwise KL to the teacher, what was judged beside it, InfoNCE, and MarginMSE.

    The teacher's distribution is the softmax of its scores over its own best documents; the
    student's is taken over every candidate. For a frozen document tower the candidates are the
    whole corpus, so that no document can rise unseen; else those of the batch. Where people or a
    judge said what answers a query, these documents count beside the teacher. InfoNCE leaves out
    what the teacher thinks nearly as good as the positive, which is likely to be relevant too
    (CADET, arXiv 2505.19274). The source of an unjudged query is out of both: a text lifted from
    its document teaches copying.

    Args:
        model: the student; encodes queries with gradients.
        documents: gives the candidates of a batch; what it holds of parameters is trained too.
        examples: the training rows, by the labels of the batches.
        params: temperatures and weights.

    """

    def __init__(
        self,
        model: SentenceTransformer,
        documents: Documents,
        examples: Sequence[Example],
        params: Train,
    ) -> None:
        super().__init__()
        self.model = model
        self._documents = documents
        self._examples = examples
        self._params = params

    def forward(self, features: list[dict[str, Tensor]], labels: Tensor) -> dict[str, Tensor]:
        """The weighted losses of a batch of queries; `labels` are their rows.

        With `matryoshka` each loss is the mean over the whole vectors and their prefixes
        (Matryoshka representations, arXiv 2205.13147).
        """
        queries = self.model(features[0])["sentence_embedding"].float()
        examples = [self._examples[int(row)] for row in labels]
        columns, vectors = self._documents.candidates(examples)
        vectors = vectors.to(queries.device)
        teacher = teacher_scores(examples, columns).to(queries.device)
        answers = answer_weights(examples, columns).to(queries.device)
        positives = torch.tensor([columns[e.positives[0]] if e.positives else -1 for e in examples])
        sizes = (queries.shape[1], *self._params.matryoshka)
        losses: dict[str, Tensor] = {}
        for size in sizes:
            cosines = _prefix(queries, size) @ _prefix(vectors, size).T
            for name, loss in self._losses(cosines, teacher, answers, positives.to(queries.device)):
                losses[name] = losses.get(name, 0) + loss / len(sizes)
        penalty = self._documents.penalty()
        if penalty is not None:
            losses["anchor"] = penalty
        return losses

    def _losses(
        self, cosines: Tensor, teacher: Tensor, answers: Tensor, positives: Tensor
    ) -> Iterator[tuple[str, Tensor]]:
        params = self._params
        logits = cosines / params.student_temperature
        logits = logits.masked_fill(teacher == -torch.inf, OUT)
        if params.kl_weight:
            yield "kl", params.kl_weight * kl(logits, teacher, params)
        if params.judged_weight:
            yield "judged", params.judged_weight * cross_entropy(logits, answers)
        if params.infonce_weight:
            found = infonce(logits, teacher, positives, params.false_negative_share)
            yield "infonce", params.infonce_weight * found
        if params.margin_mse_weight:
            # both in units of their temperatures, as their distributions compare them
            found = margin_mse(logits, teacher / params.teacher_temperature, positives)
            yield "margin_mse", params.margin_mse_weight * found


def _prefix(vectors: Tensor, size: int) -> Tensor:
    return functional.normalize(vectors[:, :size], dim=1)


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
