"""Which parts of a model are tuned: the query encoder alone, both encoders, or one for both."""

import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

import numpy as np
import torch
from sentence_transformers import SentenceTransformer
from torch import Tensor
from torch.nn import functional

from stages.lib.collection import Corpus
from stages.lib.distillation import Documents
from stages.lib.encoder import Vectors, embed, encode, load_encoder, token_ids
from stages.lib.fitting import fit_documents
from stages.lib.negatives import Example
from stages.lib.params import Params
from stages.lib.search import Dense
from stages.lib.teacher import Neighbours

Weights = dict[str, Tensor]
"""Tensors by name: everything that training changes."""

DOCUMENTS = "documents"
"""The name of the document vectors among the weights."""


class Student(Protocol):
    """What training changes, and what ships of it."""

    model: SentenceTransformer
    documents: Documents

    def weights(self) -> Weights:
        """A copy of what training changes."""
        ...

    def load(self, weights: Weights) -> None:
        """Takes weights that `weights` gave, or a mixture of such."""
        ...

    def dense(self) -> Dense:
        """Exact search with the student as it is."""
        ...

    def finish(self, base: Path, seed: int) -> None:
        """What has to be done to the chosen weights before they can ship."""
        ...

    def save(self, base: Path, folder: Path) -> None:
        """Saves what ships."""
        ...


class Frozen(torch.nn.Module):
    """The whole corpus as candidates, by vectors that stay as they are."""

    def __init__(self, columns: dict[str, int], vectors: Vectors) -> None:
        super().__init__()
        self.columns = columns
        # copied from the memory map, since torch wants memory that could be written
        self.vectors = torch.from_numpy(np.array(vectors))

    def candidates(self, examples: Sequence[Example]) -> tuple[dict[str, int], Tensor]:  # noqa: ARG002
        """The whole corpus."""
        return self.columns, self.vectors

    def penalty(self) -> Tensor | None:
        """None: nothing moves."""
        return None


class Free(torch.nn.Module):
    """The whole corpus as candidates, by vectors that are trained like weights.

    Args:
        columns: the rows of documents by id.
        vectors: where training starts.
        anchors: what the vectors are held to.
        strength: how strongly.

    """

    def __init__(
        self, columns: dict[str, int], vectors: Vectors, anchors: Vectors, strength: float
    ) -> None:
        super().__init__()
        self.columns = columns
        self.vectors = torch.nn.Parameter(torch.from_numpy(np.array(vectors)))
        self._anchors = torch.from_numpy(anchors)
        self._strength = strength

    def candidates(self, examples: Sequence[Example]) -> tuple[dict[str, int], Tensor]:  # noqa: ARG002
        """The whole corpus."""
        return self.columns, functional.normalize(self.vectors, dim=1)

    def penalty(self) -> Tensor | None:
        """The mean squared distance of the vectors from their anchors, by the strength."""
        moved = functional.normalize(self.vectors, dim=1) - self._anchors.to(self.vectors.device)
        return self._strength * moved.square().sum(dim=1).mean()


class InBatch:
    """The heads of the batch's lists as candidates, encoded with gradients."""

    def __init__(self, model: SentenceTransformer, corpus: Corpus, params: Params) -> None:
        self._model = model
        self._corpus = corpus
        self._params = params

    def candidates(self, examples: Sequence[Example]) -> tuple[dict[str, int], Tensor]:
        """The best documents of each query, and its positive."""
        size = self._params.train.list_size
        doc_ids = sorted(
            {
                doc_id
                for example in examples
                for doc_id in (*list(example.ranking)[:size], *example.positives[:1])
            }
        )
        prefix = self._params.encoder.document_prefix
        texts = [prefix + self._corpus[doc_id].contents for doc_id in doc_ids]
        columns = {doc_id: column for column, doc_id in enumerate(doc_ids)}
        return columns, embed(self._model, token_ids(self._model, texts))

    def penalty(self) -> Tensor | None:
        """None: the model itself moves."""
        return None


class QueryTower:
    """A query encoder tuned against the base's document vectors, which stay as they are."""

    def __init__(
        self, model: SentenceTransformer, corpus: Corpus, vectors: Vectors, params: Params
    ) -> None:
        self.model = model
        self.documents: Documents = Frozen(_columns(corpus), vectors)
        self._vectors = vectors
        self._doc_ids = list(corpus)
        self._prefix = params.encoder.query_prefix

    def weights(self) -> Weights:
        """The query encoder's."""
        return _copy(self.model)

    def load(self, weights: Weights) -> None:
        """Takes the query encoder's weights."""
        self.model.load_state_dict(weights)

    def dense(self) -> Dense:
        """Ranks the base's document vectors by the tuned queries."""
        return Dense(self._doc_ids, self._vectors, self.model, self._prefix)

    def finish(self, base: Path, seed: int) -> None:
        """Nothing: the query encoder is all that changed."""

    def save(self, base: Path, folder: Path) -> None:
        """Saves the query encoder beside the base as document encoder."""
        self.model.save(str(folder / "query"), create_model_card=False)
        shutil.copytree(base, folder / "document")


class TwoTowers:
    """A query encoder and document vectors, tuned together; then an encoder that gives the vectors.

    Vectors are trained far faster than an encoder of documents: every step moves all of them, and
    encodes none. At the end the document encoder learns to put each document where its vector is.

    Args:
        model: the query encoder, at the base's weights.
        corpus: the documents.
        vectors: the base's document vectors, (documents, dimensions).
        anchors: what they are held to.
        params: the recipe.

    """

    def __init__(
        self,
        model: SentenceTransformer,
        corpus: Corpus,
        vectors: Vectors,
        anchors: Vectors,
        params: Params,
    ) -> None:
        self.model = model
        self.anchors = anchors
        self._free = Free(_columns(corpus), vectors, anchors, params.train.anchor)
        self.documents: Documents = self._free
        self._corpus = corpus
        self._params = params
        self._fitted: SentenceTransformer | None = None

    def weights(self) -> Weights:
        """The query encoder's and the document vectors."""
        vectors = functional.normalize(self._free.vectors.detach(), dim=1).cpu()
        return _copy(self.model) | {DOCUMENTS: vectors}

    def load(self, weights: Weights) -> None:
        """Takes both; a document encoder that was fitted to others is dropped."""
        self._fitted = None
        self.model.load_state_dict({k: v for k, v in weights.items() if k != DOCUMENTS})
        self._free.vectors.data.copy_(weights[DOCUMENTS])

    def dense(self) -> Dense:
        """Ranks the document vectors by the queries, both as they are."""
        vectors = functional.normalize(self._free.vectors.detach(), dim=1).cpu().numpy()
        return self._dense(vectors)

    def finish(self, base: Path, seed: int) -> None:
        """Fits the document encoder; from here on the vectors are those that it gives."""
        params = self._params
        self._fitted = load_encoder(base, params.encoder)
        targets = self.weights()[DOCUMENTS]
        fit_documents(self._fitted, self._corpus, targets, params, seed)
        self._free.vectors.data.copy_(torch.from_numpy(self._encode(self._fitted)))

    def save(self, base: Path, folder: Path) -> None:
        """Saves both encoders; documents keep the base's where nothing was fitted."""
        self.model.save(str(folder / "query"), create_model_card=False)
        if self._fitted is None:
            shutil.copytree(base, folder / "document")
        else:
            self._fitted.save(str(folder / "document"), create_model_card=False)

    def _dense(self, vectors: Vectors) -> Dense:
        return Dense(list(self._corpus), vectors, self.model, self._params.encoder.query_prefix)

    def _encode(self, model: SentenceTransformer) -> Vectors:
        texts = [document.contents for document in self._corpus.values()]
        return encode(model, texts, self._params.encoder.document_prefix, label="tuned corpus")


class Full:
    """One encoder for queries and documents; documents need new vectors when it changes."""

    def __init__(self, model: SentenceTransformer, corpus: Corpus, params: Params) -> None:
        self.model = model
        self.documents: Documents = InBatch(model, corpus, params)
        self._corpus = corpus
        self._params = params

    def weights(self) -> Weights:
        """The encoder's."""
        return _copy(self.model)

    def load(self, weights: Weights) -> None:
        """Takes the encoder's weights."""
        self.model.load_state_dict(weights)

    def dense(self) -> Dense:
        """Ranks the corpus, encoded anew."""
        encoder = self._params.encoder
        texts = [document.contents for document in self._corpus.values()]
        vectors = encode(self.model, texts, encoder.document_prefix, label="dev corpus")
        return Dense(list(self._corpus), vectors, self.model, encoder.query_prefix)

    def finish(self, base: Path, seed: int) -> None:
        """Nothing: the encoder is whole."""

    def save(self, base: Path, folder: Path) -> None:  # noqa: ARG002
        """Saves a model for queries and documents alike."""
        self.model.save(str(folder), create_model_card=False)


def student(
    model: SentenceTransformer, corpus: Corpus, vectors: Vectors, params: Params
) -> Student:
    """The student that `train.tower` asks for.

    Document vectors that may move are held to a mixture with those of their neighbours, by the
    shares that the teacher's scores are mixed by.
    """
    if params.train.tower == "full":
        return Full(model, corpus, params)
    if params.train.tower == "query":
        return QueryTower(model, corpus, vectors, params)
    anchors = np.array(vectors)
    if params.mine.neighbours:
        mixed = Neighbours(vectors, params.mine.neighbours).mix(anchors.T, params.mine.smoothing).T
        anchors = mixed / np.linalg.norm(mixed, axis=1, keepdims=True)
    return TwoTowers(model, corpus, vectors, anchors, params)


def _columns(corpus: Corpus) -> dict[str, int]:
    return {doc_id: column for column, doc_id in enumerate(corpus)}


def _copy(model: SentenceTransformer) -> Weights:
    return {name: weight.detach().clone().cpu() for name, weight in model.state_dict().items()}
