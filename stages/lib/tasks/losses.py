"""The losses of a task's batch: contrastive, reward-softened contrastive, and KL.

Each takes logits of queries over documents, (queries, documents), with OUT where a document is not
to count for a query, and `own`, the columns of each query's own documents, (queries, group), the
positive first; `present` is False where a query has fewer of them.
"""

import torch
from torch import Tensor
from torch.nn import functional

OUT = -1e4
"""A logit that leaves no probability."""


def contrastive(logits: Tensor, own: Tensor) -> Tensor:
    """Mean cross-entropy of each query's positive among all documents (InfoNCE)."""
    return functional.cross_entropy(logits, own[:, 0])


def softened(
    logits: Tensor, own: Tensor, present: Tensor, teacher: Tensor, temperature: float
) -> Tensor:
    """Reward-softened contrastive loss ("stable distillation") over ranked documents.

    Each of a query's documents is in its turn the positive, against those that are ranked below it
    and the documents of others; what is ranked above it is out. Its share is the softmax of the
    teacher's scores (LLM-Embedder, arXiv 2310.07554).

    Args:
        logits: (queries, documents).
        own: ranked, best first, (queries, group).
        present: (queries, group).
        teacher: the teacher's scores, (queries, group); any number where none is present.
        temperature: of the teacher.

    """
    shares = shares_of(teacher, present, temperature)
    total = logits.new_zeros(len(logits))
    for rank in range(own.shape[1]):
        target, here = own[:, rank], present[:, rank]
        loss = functional.cross_entropy(logits, target, reduction="none")
        total = total + torch.where(here, shares[:, rank] * loss, 0.0)
        above = torch.where(here, OUT, logits.gather(1, target.unsqueeze(1)).squeeze(1))
        logits = logits.scatter(1, target.unsqueeze(1), above.unsqueeze(1))
    return total.mean()


def divergence(
    logits: Tensor, own: Tensor, present: Tensor, teacher: Tensor, temperature: float
) -> Tensor:
    """Mean KL divergence of the distribution over a query's own documents from the teacher's."""
    wanted = shares_of(teacher, present, temperature)
    ours = logits.gather(1, own).masked_fill(~present, OUT).log_softmax(1)
    each: Tensor = (torch.special.xlogy(wanted, wanted) - wanted * ours).sum(1)
    return each.mean()


def shares_of(teacher: Tensor, present: Tensor, temperature: float) -> Tensor:
    """The teacher's distribution over each query's documents, (queries, group)."""
    return (teacher / temperature).masked_fill(~present, -torch.inf).softmax(1)
