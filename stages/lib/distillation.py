"""The loss: a student's ranking of a list of documents against the teacher's."""

from collections.abc import Callable, Mapping, Sequence

import torch
from sentence_transformers import SentenceTransformer
from torch import Tensor
from torch.nn import functional

from stages.lib.negatives import Example
from stages.lib.params import Train

Documents = Callable[[Sequence[str]], Tensor]
"""Unit vectors of documents by their ids, (documents, dimensions)."""


class Distillation(torch.nn.Module):
    """Listwise KL to the teacher, plus InfoNCE against the other lists of the batch.

    KL runs over a query's own list, its first positive and its hardest negatives (CADET,
    arXiv 2505.19274). InfoNCE sets the positive against every document of the batch but those
    that the teacher thinks nearly as good as the positive, which are likely to be relevant too.

    Args:
        model: the student; encodes queries with gradients.
        documents: encodes documents, with gradients or, for a frozen tower, without.
        examples: the training rows, by the labels of the batches.
        params: temperatures, weights and list size.

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
        self._params = params
        self._lists = [_list(example, params.list_size) for example in examples]

    def forward(self, features: list[dict[str, Tensor]], labels: Tensor) -> dict[str, Tensor]:
        """The weighted losses of a batch of queries; `labels` are their rows."""
        queries = functional.normalize(self.model(features[0])["sentence_embedding"].float(), dim=1)
        lists = [self._lists[int(row)] for row in labels]
        doc_ids = sorted({doc_id for each in lists for doc_id in each})
        column = {doc_id: index for index, doc_id in enumerate(doc_ids)}
        scores = queries @ self._documents(doc_ids).to(queries.device).T
        own, teacher = self._padded(lists, column, scores.device)
        return {
            "kl": self._params.kl_weight * self._kl(scores, own, teacher),
            "infonce": self._params.infonce_weight * self._infonce(scores, own, teacher),
        }

    def _padded(
        self, lists: Sequence[Mapping[str, float]], column: Mapping[str, int], device: torch.device
    ) -> tuple[Tensor, Tensor]:
        longest = max(map(len, lists))
        own = torch.zeros(len(lists), longest, dtype=torch.long)
        teacher = torch.full((len(lists), longest), -torch.inf)
        for row, each in enumerate(lists):
            own[row, : len(each)] = torch.tensor([column[doc_id] for doc_id in each])
            teacher[row, : len(each)] = torch.tensor(list(each.values()))
        return own.to(device), teacher.to(device)

    def _kl(self, scores: Tensor, own: Tensor, teacher: Tensor) -> Tensor:
        wanted = functional.softmax(teacher / self._params.teacher_temperature, dim=1)
        student = scores.gather(1, own) / self._params.student_temperature
        student = student.masked_fill(teacher.isinf(), -1e4)
        return functional.kl_div(
            functional.log_softmax(student, dim=1), wanted, reduction="batchmean"
        )

    def _infonce(self, scores: Tensor, own: Tensor, teacher: Tensor) -> Tensor:
        positive, best = own[:, :1], teacher[:, :1]
        near = teacher > best - (1 - self._params.false_negative_share) * best.abs()
        near[:, 0] = False
        rows = torch.arange(len(own), device=own.device).unsqueeze(1).expand_as(own)
        logits = scores / self._params.student_temperature
        logits = logits.index_put((rows[near], own[near]), logits.new_tensor(-1e4))
        return functional.cross_entropy(logits, positive.squeeze(1))


def _list(example: Example, size: int) -> dict[str, float]:
    """The best positive first, then the hardest negatives."""
    best = max(example.positives, key=lambda doc_id: example.positives[doc_id])
    negatives = list(example.negatives.items())[: size - 1]
    return {best: example.positives[best], **dict(negatives)}
