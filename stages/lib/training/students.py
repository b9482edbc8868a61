"""Which parts of a model are tuned: the query encoder, document vectors too, or one encoder."""

import shutil
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Protocol

import numpy as np
import torch
from sentence_transformers import SentenceTransformer
from torch import Tensor
from torch.nn import functional

from stages.lib.core.collection import Corpus
from stages.lib.core.examples import Example
from stages.lib.core.files import write_json
from stages.lib.encoding.adapter import add_adapter, copy_weights, load_weights, save_encoder
from stages.lib.encoding.encoder import Vectors, dimension, encode, load_encoder
from stages.lib.encoding.portable import join_towers
from stages.lib.encoding.projection import ends_in_pooling, fit_shift, projected
from stages.lib.encoding.remote import is_remote
from stages.lib.encoding.store import as_kept
from stages.lib.encoding.vectors import FITTED, TRAINED, save_vectors
from stages.lib.errors import UserError
from stages.lib.params import Params
from stages.lib.search.crossfit import Asked
from stages.lib.search.engine import Dense
from stages.lib.search.enriching import enriched
from stages.lib.search.neighbours import Neighbours
from stages.lib.training.documents import Documents, Free, Frozen, InBatch

Weights = dict[str, Tensor]
"""Tensors by name: everything that training changes, of an adapter alone where there is one."""

DOCUMENTS = "documents"
"""The name of the document vectors among the weights."""

ADAPTER = "adapter"
"""The folder of the adapter in that of what ships, where one was trained (`train.lora`)."""


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

    def enrich(self, weights: Weights, further: Sequence[Asked]) -> list[Weights]:
        """The weights with enriched documents, where these are weights; else as they are.

        Args:
            weights: of the query encoder and of the documents.
            further: queries that documents are mixed with beside those that trained; one result
                for each of them.

        """
        ...

    def dense(self) -> Dense:
        """Exact search with the student as it is."""
        ...

    def save(self, base: Path, folder: Path) -> None:
        """Saves what ships."""
        ...


class QueryTower:
    """A query encoder tuned against the base's document vectors, which stay as they are."""

    def __init__(
        self, model: SentenceTransformer, corpus: Corpus, vectors: Vectors, params: Params
    ) -> None:
        self.model = model
        self.documents: Documents = Frozen(_columns(corpus), vectors)
        self._vectors = vectors
        self._doc_ids = list(corpus)
        self._params = params
        self._prefix = params.encoder.query_prefix

    def weights(self) -> Weights:
        """The query encoder's."""
        return copy_weights(self.model)

    def load(self, weights: Weights) -> None:
        """Takes the query encoder's weights."""
        load_weights(self.model, weights)

    def enrich(self, weights: Weights, further: Sequence[Asked]) -> list[Weights]:
        """As they are: documents keep the base's vectors."""
        return [weights] * len(further)

    def dense(self) -> Dense:
        """Ranks the base's document vectors by the tuned queries."""
        return Dense(self._doc_ids, self._vectors, self.model, self._prefix)

    def save(self, base: Path, folder: Path) -> None:
        """Saves the query encoder beside the base as document encoder."""
        save_encoder(self.model, folder / "query", folder / ADAPTER, self._params.encoder)
        shutil.copytree(base, folder / "document")
        join_towers(folder)


class QueryAndVectors:
    """A query encoder and document vectors, tuned together.

    Vectors are trained far faster than an encoder of documents: every step moves all of them, and
    encodes none. They ship as data; documents that come later get what the document encoder gives
    until the next training. It is the base with a linear layer, fitted to where training moved the
    vectors of these documents: without it, later ones would stand behind them.

    Args:
        model: the query encoder, at the base's weights.
        corpus: the documents.
        vectors: the base's document vectors, (documents, dimensions), which training holds them to.
        examples: the queries that enrich the documents they were written for.
        params: the recipe.

    """

    def __init__(
        self,
        model: SentenceTransformer,
        corpus: Corpus,
        vectors: Vectors,
        examples: Sequence[Example],
        params: Params,
    ) -> None:
        self.model = model
        self._base = vectors
        self._doc_ids = list(corpus)
        self._free = Free(_columns(corpus), vectors, params.train.anchor)
        self.documents: Documents = self._free
        self._asked: dict[str, list[str]] = {}
        for example in examples:
            for doc_id in example.positives:
                self._asked.setdefault(doc_id, []).append(example.query)
        self._params = params
        self._prefix = params.encoder.query_prefix

    def weights(self) -> Weights:
        """The query encoder's and the document vectors."""
        return copy_weights(self.model) | {DOCUMENTS: torch.from_numpy(self._vectors())}

    def load(self, weights: Weights) -> None:
        """Takes both."""
        load_weights(self.model, {k: v for k, v in weights.items() if k != DOCUMENTS})
        self._free.vectors.data.copy_(weights[DOCUMENTS])

    def enrich(self, weights: Weights, further: Sequence[Asked]) -> list[Weights]:
        """The weights, with each document's vector mixed with its queries' and neighbours'."""
        self.load(weights)
        train = self._params.train
        ranking = self._ranking(self._vectors())
        found = []
        for queries in further:
            asked = {
                doc_id: [*self._asked.get(doc_id, ()), *queries.get(doc_id, ())]
                for doc_id in dict.fromkeys([*self._asked, *queries])
            }
            shares = train.query_share, train.smoothing
            mixed = enriched(ranking, asked, self._neighbours, *shares)
            found.append(weights | {DOCUMENTS: torch.from_numpy(mixed)})
        return found

    def dense(self) -> Dense:
        """Ranks the document vectors by the queries, as they would ship."""
        return self._ranking(as_kept(self._vectors()))

    def save(self, base: Path, folder: Path) -> None:
        """Saves the query encoder, the fitted document encoder, and the vectors."""
        save_encoder(self.model, folder / "query", folder / ADAPTER, self._params.encoder)
        vectors = self._vectors()
        save_vectors(folder / "vectors", vectors, self._doc_ids, TRAINED)
        encoder = None
        if not is_remote(base) and not np.allclose(vectors, self._base, atol=1e-6):
            encoder = load_encoder(base, self._params.document_encoder)
        if encoder is not None and ends_in_pooling(encoder):
            fitted = projected(encoder, fit_shift(self._base, vectors))
            fitted.save(str(folder / "document"), create_model_card=False)
            write_json(folder / "vectors" / FITTED, {"document_encoder": "fitted"})
        else:
            shutil.copytree(base, folder / "document")
        join_towers(folder)

    def _ranking(self, vectors: Vectors) -> Dense:
        return Dense(self._doc_ids, vectors, self.model, self._prefix)

    @cached_property
    def _neighbours(self) -> Neighbours:
        """Of the documents as the base has them: what they are about, whatever was trained."""
        return Neighbours(np.asarray(self._base), self._params.train.neighbours)

    def _vectors(self) -> Vectors:
        vectors: Vectors = functional.normalize(self._free.vectors.detach(), dim=1).cpu().numpy()
        return vectors


class Full:
    """One encoder for queries and documents; documents need new vectors when it changes."""

    def __init__(self, model: SentenceTransformer, corpus: Corpus, params: Params) -> None:
        self.model = model
        self.documents: Documents = InBatch(model, corpus, params)
        self._corpus = corpus
        self._params = params

    def weights(self) -> Weights:
        """The encoder's."""
        return copy_weights(self.model)

    def load(self, weights: Weights) -> None:
        """Takes the encoder's weights."""
        load_weights(self.model, weights)

    def enrich(self, weights: Weights, further: Sequence[Asked]) -> list[Weights]:
        """As they are: an encoder gives the documents' vectors."""
        return [weights] * len(further)

    def dense(self) -> Dense:
        """Ranks the corpus, encoded anew."""
        encoder = self._params.encoder
        texts = [document.contents for document in self._corpus.values()]
        vectors = encode(self.model, texts, encoder.document_prefix, label="dev corpus")
        return Dense(list(self._corpus), vectors, self.model, encoder.query_prefix)

    def save(self, base: Path, folder: Path) -> None:  # noqa: ARG002
        """Saves a model for queries and documents alike."""
        save_encoder(self.model, folder, folder / ADAPTER, self._params.encoder)


def student(
    model: SentenceTransformer,
    corpus: Corpus,
    vectors: Vectors,
    examples: Sequence[Example],
    params: Params,
) -> Student:
    """The student that `train.tower` asks for, at the base's weights.

    Args:
        model: the base.
        corpus: the documents.
        vectors: the base's vectors of them, (documents, dimensions).
        examples: the training queries with their documents.
        params: the recipe.

    Raises:
        UserError: a prefix of `train.matryoshka` is no shorter than the model's vectors, or the
            model has no layers such as `train.lora` names.

    """
    too_long = [size for size in params.train.matryoshka if size >= dimension(model)]
    if too_long:
        raise UserError(
            f"params.yaml: train.matryoshka: a prefix of {too_long[0]} of {dimension(model)} "
            "dimensions; name fewer"
        )
    if params.train.lora.rank:
        add_adapter(model, params.train.lora, params.seed)
    if params.train.tower == "full":
        return Full(model, corpus, params)
    if params.train.tower == "query":
        return QueryTower(model, corpus, vectors, params)
    return QueryAndVectors(model, corpus, vectors, examples, params)


def _columns(corpus: Corpus) -> dict[str, int]:
    return {doc_id: column for column, doc_id in enumerate(corpus)}
