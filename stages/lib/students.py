"""Which parts of a model are tuned: both towers, or the one for queries alone."""

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from sentence_transformers import SentenceTransformer
from torch import Tensor

from stages.lib.collection import Corpus, Split
from stages.lib.encoder import Vectors, embed, encode, token_ids
from stages.lib.metrics import ndcg
from stages.lib.params import Params
from stages.lib.search import Dense, Embedded


@dataclass(slots=True)
class Full:
    """One encoder for queries and documents; documents need new vectors when it changes."""

    model: SentenceTransformer
    corpus: Corpus
    params: Params

    def documents(self, doc_ids: Sequence[str]) -> Tensor:
        """Vectors with gradients."""
        prefix = self.params.encoder.document_prefix
        texts = [prefix + self.corpus[doc_id].contents for doc_id in doc_ids]
        return embed(self.model, token_ids(self.model, texts))

    def ndcg(self, split: Split) -> float:
        """Dev nDCG@10 with the corpus encoded anew."""
        encoder = self.params.encoder
        texts = [document.contents for document in self.corpus.values()]
        vectors = encode(self.model, texts, encoder.document_prefix, label="dev corpus")
        return _ndcg(Dense(list(self.corpus), vectors, self.model, encoder.query_prefix), split)

    def save(self, base: Path, folder: Path) -> None:  # noqa: ARG002
        """Saves a model for queries and documents alike."""
        self.model.save(str(folder), create_model_card=False)


@dataclass(slots=True)
class QueryTower:
    """A query encoder tuned against the base's document vectors, which stay as they are."""

    model: SentenceTransformer
    corpus: Corpus
    vectors: Vectors
    params: Params

    def documents(self, doc_ids: Sequence[str]) -> Tensor:
        """Frozen vectors."""
        wanted = {doc_id: index for index, doc_id in enumerate(self.corpus)}
        rows = [wanted[doc_id] for doc_id in doc_ids]
        return torch.from_numpy(np.asarray(self.vectors[rows]))

    def ndcg(self, split: Split) -> float:
        """Dev nDCG@10 against the base's document vectors."""
        prefix = self.params.encoder.query_prefix
        return _ndcg(Dense(list(self.corpus), self.vectors, self.model, prefix), split)

    def save(self, base: Path, folder: Path) -> None:
        """Saves the query encoder beside the base as document encoder."""
        self.model.save(str(folder / "query"), create_model_card=False)
        shutil.copytree(base, folder / "document")


def student(
    model: SentenceTransformer, corpus: Corpus, vectors: Vectors, params: Params
) -> Full | QueryTower:
    """The student that `train.tower` asks for."""
    if params.train.tower == "full":
        return Full(model, corpus, params)
    return QueryTower(model, corpus, vectors, params)


def _ndcg(dense: Dense, split: Split) -> float:
    queries = {query_id: split.queries[query_id] for query_id in split.qrels}
    return ndcg(Embedded(dense).search(queries, 10), split.qrels)
