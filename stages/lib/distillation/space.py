"""Brings a query encoder into the vector space of another embedder, whose documents it then finds.

The student's tokens get a linear layer, fitted by least squares, that maps its space onto the
other's; then all of it is trained to give the other's vectors, and the other's ranking of the
documents (asymmetric retrieval with a small query encoder: KALE, arXiv 2304.01016; LEAF, arXiv
2509.12539). No judgement is needed, only texts.
"""

from collections.abc import Sequence

import numpy as np
import torch
from datasets import Dataset
from sentence_transformers import SentenceTransformer
from torch import Tensor, nn
from torch.nn import functional

from stages.lib.core import seeds
from stages.lib.encoding.encoder import Vectors, encode
from stages.lib.encoding.projection import ends_in_pooling, fit, projected
from stages.lib.errors import UserError
from stages.lib.params import Params
from stages.lib.training.batches import OneSourceABatch
from stages.lib.training.trainer import run_trainer

TOP = 10
MOST_DOCUMENTS = 20_000
"""Documents whose ranking is learnt; more say the same again, and cost time in each step."""


def distilled(
    model: SentenceTransformer,
    texts: Sequence[str],
    targets: Vectors,
    documents: Vectors,
    params: Params,
) -> SentenceTransformer:
    """The query encoder in the other's space.

    Args:
        model: the base, which is trained in place.
        texts: what it learns from.
        targets: the other embedder's vectors of them, (texts, its dimensions).
        documents: the other's vectors of the corpus, (documents, its dimensions).
        params: `distill`, the prefix of queries, and the rest of the recipe from `train`.

    Raises:
        UserError: the base's pooling is none that a linear layer can go before.

    """
    prefix = params.encoder.query_prefix
    student = widened(model, encode(model, texts, prefix, label="encode by the base"), targets)
    recipe = params.train.model_copy(
        update=params.distill.model_dump(include={"epochs", "batch_size", "learning_rate"})
    )
    rows = Dataset.from_dict({"query": list(texts), "label": list(range(len(texts)))})
    loss = Space(student, targets, _drawn(documents, params.seed), params.distill.temperature)
    batches = OneSourceABatch(
        list(texts),
        [len(text) for text in texts],
        params.distill.batch_size,
        seeds.digest(params.seed, "distill"),
    )
    run_trainer(student, [], rows, loss, batches, prefix=prefix, params=recipe, seed=params.seed)
    return student.eval()


def widened(model: SentenceTransformer, vectors: Vectors, targets: Vectors) -> SentenceTransformer:
    """A model with a linear layer that takes its vectors nearest to the targets.

    Args:
        model: ends in a mean or cls pooling, with or without a normalisation.
        vectors: the model's of some texts, (texts, dimensions).
        targets: what the layer should make of them, (texts, other dimensions).

    Raises:
        UserError: the model ends in something else.

    """
    if not ends_in_pooling(model):
        ending = ", ".join(type(module).__name__ for module in list(model)[1:])
        raise UserError(
            "base.model: documents.model needs a base that ends in a mean or cls pooling; this one "
            f"ends in {ending}"
        )
    return projected(model, fit(vectors, targets))


class Space(nn.Module):
    """How far the student's vectors are from the targets, and its ranking from theirs.

    Args:
        model: the student.
        targets: the other's vectors, by the labels of the batches.
        documents: the other's vectors of documents to rank.
        temperature: of both rankings.

    """

    def __init__(
        self, model: SentenceTransformer, targets: Vectors, documents: Vectors, temperature: float
    ) -> None:
        super().__init__()
        self.model = model
        self._targets = torch.from_numpy(targets)
        self._documents = torch.from_numpy(documents)
        self._temperature = temperature

    def forward(self, features: list[dict[str, Tensor]], labels: Tensor) -> dict[str, Tensor]:
        """The losses of a batch by name: one minus the cosine, and the KL of the rankings."""
        queries = functional.normalize(self.model(features[0])["sentence_embedding"].float(), dim=1)
        targets = self._targets[labels.cpu()].to(queries.device)
        documents = self._documents.to(queries.device)
        ranking, wanted = (side @ documents.T / self._temperature for side in (queries, targets))
        kl = functional.kl_div(
            ranking.log_softmax(1), wanted.log_softmax(1), reduction="batchmean", log_target=True
        )
        return {"cosine": (1 - (queries * targets).sum(1)).mean(), "kl": kl}


def _drawn(documents: Vectors, seed: int) -> Vectors:
    """The vectors to rank: all, or some of a large corpus."""
    if len(documents) <= MOST_DOCUMENTS:
        return np.array(documents)
    rows = seeds.generator(seed, "documents to rank").choice(
        len(documents), MOST_DOCUMENTS, replace=False
    )
    drawn: Vectors = np.array(documents[np.sort(rows)])
    return drawn


def agreement(
    student: SentenceTransformer,
    texts: Sequence[str],
    targets: Vectors,
    documents: Vectors,
    params: Params,
) -> dict[str, float]:
    """How near a query encoder comes: the mean cosine, and the share of the first ten documents.

    Args:
        student: the query encoder.
        texts: that it has not learnt from.
        targets: the other's vectors of them.
        documents: the other's vectors of the corpus.
        params: the prefix of queries.

    """
    vectors = encode(student, texts, params.encoder.query_prefix, label="encode by the student")
    shared = [
        len({*_first(vector, documents)} & {*_first(target, documents)}) / TOP
        for vector, target in zip(vectors, targets, strict=True)
    ]
    return {
        "cosine": round(float((vectors * targets).sum(1).mean()), 6),
        "overlap_10": round(float(np.mean(shared)), 6),
    }


def _first(vector: Vectors, documents: Vectors) -> list[int]:
    return [int(row) for row in np.argsort(-(documents @ vector), kind="stable")[:TOP]]
