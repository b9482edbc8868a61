"""What a training step minimises: the weighted sum of the losses that are on."""

from collections.abc import Sequence

import torch
from sentence_transformers import SentenceTransformer
from torch import Tensor
from torch.nn import functional

from stages.lib.core.examples import Example
from stages.lib.train_params import Train
from stages.lib.training.documents import Documents
from stages.lib.training.losses import LOSSES, OUT, Batch, answer_weights, teacher_scores, weights


class Distillation(torch.nn.Module):
    """Listwise KL to the teacher, what was judged beside it, InfoNCE, and MarginMSE.

    The teacher's distribution is the softmax of its scores over its own best documents; the
    student's is taken over all documents of the batch. For a frozen document tower these are the
    whole corpus, so that no document can rise unseen; else those that the batch names. Where people
    or a judge said what answers a query, these documents count beside the teacher. InfoNCE leaves
    out what the teacher thinks nearly as good as the positive, which is likely to be relevant too
    (CADET, arXiv 2505.19274). The source of an unlabelled query is out of both: a text lifted from
    its document teaches copying.

    Args:
        model: the student; encodes queries with gradients.
        documents: what the queries of a batch are ranked against.
        examples: the training rows, by the labels of the batches.
        params: temperatures and weights.
        taught: whether the teacher teaches; else the losses that need it are off.

    """

    def __init__(
        self,
        model: SentenceTransformer,
        documents: Documents,
        examples: Sequence[Example],
        params: Train,
        *,
        taught: bool = True,
    ) -> None:
        super().__init__()
        self.model = model
        self._documents = documents
        self._examples = examples
        self._params = params
        self._weights = weights(params, taught=taught)

    def forward(self, features: list[dict[str, Tensor]], labels: Tensor) -> dict[str, Tensor]:
        """The weighted losses of a batch of queries by name; `labels` are their rows.

        With `matryoshka` each loss is the mean over the whole vectors and their prefixes
        (Matryoshka representations, arXiv 2205.13147).
        """
        queries = self.model(features[0])["sentence_embedding"].float()
        where = queries.device
        examples = [self._examples[int(row)] for row in labels]
        columns, vectors = self._documents.of(examples)
        vectors = vectors.to(where)
        teacher = teacher_scores(examples, columns).to(where)
        answers = answer_weights(examples, columns).to(where)
        positives = torch.tensor([columns[e.positives[0]] if e.positives else -1 for e in examples])
        sizes = (queries.shape[1], *self._params.matryoshka)
        losses: dict[str, Tensor] = {}
        for size in sizes:
            cosines = _prefix(queries, size) @ _prefix(vectors, size).T
            logits = cosines / self._params.student_temperature
            logits = logits.masked_fill(teacher == -torch.inf, OUT)
            batch = Batch(logits, teacher, answers, positives.to(where), self._params)
            for name, weight in self._weights.items():
                loss = weight * LOSSES[name].function(batch) / len(sizes)
                losses[name] = losses.get(name, 0) + loss
        penalty = self._documents.penalty()
        if penalty is not None:
            losses["anchor"] = penalty
        return losses


def _prefix(vectors: Tensor, size: int) -> Tensor:
    return functional.normalize(vectors[:, :size], dim=1)
