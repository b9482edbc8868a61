"""Teaching a document encoder where its documents lie."""

from collections.abc import Sequence
from typing import Any

import torch
from datasets import Dataset
from sentence_transformers import SentenceTransformer
from torch import Tensor
from torch.nn import functional

from stages.lib import seeds
from stages.lib.collection import Corpus
from stages.lib.params import Params
from stages.lib.sampling import OneSourceABatch
from stages.lib.trainer import run_trainer


class Distance(torch.nn.Module):
    """One minus the mean cosine of documents to where they should lie.

    Args:
        model: the document encoder.
        targets: unit vectors, (documents, dimensions), by the labels of the batches.
        prefixes: leading dimensions that have to lie right by themselves too.

    """

    def __init__(
        self, model: SentenceTransformer, targets: Tensor, prefixes: Sequence[int]
    ) -> None:
        super().__init__()
        self.model = model
        self._targets = targets
        self._sizes = (targets.shape[1], *prefixes)

    def forward(self, features: list[dict[str, Tensor]], labels: Tensor) -> Tensor:
        """The loss of a batch; `labels` are rows of the targets."""
        vectors: Any = self.model(features[0])["sentence_embedding"]
        targets = self._targets[labels.cpu()].to(vectors.device)
        cosines = [
            functional.cosine_similarity(vectors[:, :size].float(), targets[:, :size]).mean()
            for size in self._sizes
        ]
        return 1 - torch.stack(cosines).mean()


def fit_documents(
    model: SentenceTransformer, corpus: Corpus, targets: Tensor, params: Params, seed: int
) -> None:
    """Trains the document encoder, in place, to give the target vectors.

    It learns from `train.fit_documents` documents, drawn by hash; the others follow.
    """
    rows = {doc_id: row for row, doc_id in enumerate(corpus)}
    drawn = seeds.shuffled(seed, rows, "fit")[: params.train.fit_documents]
    chosen = sorted(rows[doc_id] for doc_id in drawn)
    doc_ids = list(corpus)
    texts = [corpus[doc_ids[row]].contents for row in chosen]
    batches = OneSourceABatch(
        [doc_ids[row] for row in chosen],
        [len(text) for text in texts],
        params.train.fit_batch_size,
        seed,
    )
    run_trainer(
        model,
        Dataset.from_dict({"document": texts, "label": chosen}),
        Distance(model, targets, params.train.matryoshka),
        batches,
        prompts={"document": params.encoder.document_prefix},
        epochs=params.train.fit_epochs,
        learning_rate=params.train.fit_learning_rate,
        params=params.train,
        seed=seed,
    )
