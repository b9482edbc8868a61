"""One encoder for queries and documents, trained on several tasks."""

from collections.abc import Callable, Sequence

import torch
from datasets import Dataset
from sentence_transformers import SentenceTransformer
from sentence_transformers.sentence_transformer.losses import CoSENTLoss
from sentence_transformers.util import all_gather, all_gather_with_grad
from torch import Tensor
from torch.nn import functional

from stages.lib.core import seeds
from stages.lib.encoding.encoder import embed, token_ids
from stages.lib.params import Params
from stages.lib.tasks.batches import OneTaskABatch
from stages.lib.tasks.groups import Group
from stages.lib.tasks.losses import OUT, contrastive, divergence, softened
from stages.lib.tasks_params import Settings
from stages.lib.training.processes import processes
from stages.lib.training.trainer import run_trainer


def train(
    model: SentenceTransformer,
    groups: Sequence[Group],
    settings: Sequence[Settings],
    params: Params,
) -> int:
    """Trains a model in place; how many batches an epoch had.

    Args:
        model: encodes both queries and documents.
        groups: what it learns from.
        settings: of the tasks, by the position that groups name.
        params: `tasks`, and the rest of the recipe from `train`.

    """
    recipe = params.train.model_copy(
        update=params.tasks.model_dump(include={"epochs", "batch_size", "learning_rate"})
    )
    rows = Dataset.from_dict(
        {"query": [group.query for group in groups], "label": list(range(len(groups)))}
    )
    batches = OneTaskABatch(
        [group.task for group in groups],
        params.tasks.batch_size,
        seeds.digest(params.seed, "tasks"),
        evenly=params.tasks.sampling == "evenly",
        drop_last=processes() > 1,
    )
    loss = TaskLoss(model, groups, settings)
    run_trainer(model, [], rows, loss, batches, prefix="", params=recipe, seed=params.seed)
    model.eval()
    return len(batches)


class TaskLoss(torch.nn.Module):
    """What a batch of one task minimises, as the task's settings say.

    Processes that train together gather all vectors of a batch, so that each computes the whole
    batch's loss: their number changes nothing.

    Args:
        model: encodes queries and documents, with gradients.
        groups: by the labels of the batches.
        settings: by the position of the task.

    """

    def __init__(
        self, model: SentenceTransformer, groups: Sequence[Group], settings: Sequence[Settings]
    ) -> None:
        super().__init__()
        self.model = model
        # the trainer may wrap `model`; a wrapped one has no tokenizer
        self._encode: Callable[[Sequence[str]], Tensor] = lambda texts: embed(
            model, token_ids(model, texts)
        )
        self._groups = groups
        self._settings = settings

    def forward(self, features: list[dict[str, Tensor]], labels: Tensor) -> dict[str, Tensor]:
        """The weighted losses of a batch by name; `labels` are the numbers of its groups."""
        queries = functional.normalize(self.model(features[0])["sentence_embedding"].float(), dim=1)
        batch = [self._groups[int(label)] for label in labels]
        settings = self._settings[batch[0].task]
        size = max(len(group.documents) for group in batch)
        if processes() > 1:
            size = int(all_gather(torch.tensor([size], device=queries.device)).max())
        documents = self._documents(batch, size)
        if processes() > 1:
            queries, documents = all_gather_with_grad(queries), all_gather_with_grad(documents)
            batch = [self._groups[int(label)] for label in all_gather(labels)]
        with torch.autocast(queries.device.type, enabled=False):
            if all(group.score is not None for group in batch):
                return {"graded": _graded(queries, documents, batch, settings)}
            return weighted(queries, documents, batch, settings)

    def _documents(self, batch: Sequence[Group], size: int) -> Tensor:
        """Vectors of each group's documents, (groups, size, dimensions); zeros where it has fewer.

        Each text is encoded once.
        """
        texts = list(dict.fromkeys(text for group in batch for text in group.documents))
        columns = {text: column for column, text in enumerate(texts)}
        vectors = self._encode(texts)
        empty = vectors.new_zeros(1, vectors.shape[1])
        rows = [
            [*(columns[text] for text in group.documents)]
            + [len(texts)] * (size - len(group.documents))
            for group in batch
        ]
        return torch.cat([vectors, empty])[torch.tensor(rows, device=vectors.device)]


def weighted(
    queries: Tensor, documents: Tensor, batch: Sequence[Group], settings: Settings
) -> dict[str, Tensor]:
    """The losses of a batch by name, by their weights.

    Args:
        queries: unit vectors, (groups, dimensions).
        documents: unit vectors, (groups, size, dimensions).
        batch: the groups.
        settings: of their task.

    """
    where, size = queries.device, documents.shape[1]
    own = torch.arange(len(batch) * size, device=where).view(len(batch), size)
    present, counts = (mask.to(where) for mask in _masks(batch, size, settings))
    logits = queries @ documents.flatten(0, 1).T / settings.temperature
    logits = logits.masked_fill(~counts, OUT)
    losses: dict[str, Tensor] = {}
    if settings.contrastive_weight:
        losses["contrastive"] = settings.contrastive_weight * contrastive(logits, own)
    taught = [row for row, group in enumerate(batch) if group.teacher]
    if settings.distill_weight and taught:
        teacher = torch.zeros(len(taught), size, device=where)
        for row, at in enumerate(taught):
            scores = batch[at].teacher
            teacher[row, : len(scores)] = torch.tensor(scores, device=where)
        distil = softened if settings.stable else divergence
        losses["distill"] = settings.distill_weight * distil(
            logits[taught], own[taught], present[taught], teacher, settings.teacher_temperature
        )
    return losses or {"none": logits.sum() * 0}


def _masks(batch: Sequence[Group], size: int, settings: Settings) -> tuple[Tensor, Tensor]:
    """Which documents each group has, (groups, size), and which count for it, (groups, all).

    A text that answers a query, or stands among its own documents, is no further negative of it.
    """
    present = torch.zeros(len(batch), size, dtype=torch.bool)
    texts: list[str | None] = []
    for row, group in enumerate(batch):
        present[row, : len(group.documents)] = True
        texts += [*group.documents, *[None] * (size - len(group.documents))]
    counts = torch.zeros(len(batch), len(texts), dtype=torch.bool)
    for row, group in enumerate(batch):
        if settings.in_batch:
            known = group.answers.union(group.documents)
            counts[row] = torch.tensor([text is not None and text not in known for text in texts])
        counts[row, row * size : (row + 1) * size] = present[row]
    return present, counts


def _graded(
    queries: Tensor, documents: Tensor, batch: Sequence[Group], settings: Settings
) -> Tensor:
    """CoSENT: pairs that are graded higher should be nearer than those that are graded lower."""
    grades = torch.tensor([group.score for group in batch], device=queries.device)
    loss = CoSENTLoss(None, scale=1 / settings.temperature)  # type: ignore[arg-type]
    return loss.compute_loss_from_embeddings([queries, documents[:, 0]], grades)
