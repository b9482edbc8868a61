"""The loss: the student's ranking of documents against the teacher's."""

from collections.abc import Iterator, Sequence

import torch
from sentence_transformers import SentenceTransformer
from torch import Tensor
from torch.nn import functional

from stages.lib.core.examples import Example
from stages.lib.params import Train
from stages.lib.training.documents import Documents
from stages.lib.training.losses import (
    OUT,
    answer_weights,
    cross_entropy,
    infonce,
    kl,
    margin_mse,
    teacher_scores,
)


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
