"""Which parts of a model are tuned: both towers, or the one for queries alone."""

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from sentence_transformers import SentenceTransformer
from torch import Tensor

from stages.lib.collection import Corpus, Queries
from stages.lib.encoder import Vectors, embed, encode, token_ids
from stages.lib.negatives import Example
from stages.lib.params import Params
from stages.lib.search import Dense, Embedded, Run


@dataclass(slots=True)
class QueryTower:
    """A query encoder tuned against the base's document vectors, which stay as they are."""

    model: SentenceTransformer
    columns: dict[str, int]
    vectors: Vectors
    prefix: str

    def candidates(self, examples: Sequence[Example]) -> tuple[dict[str, int], Tensor]:  # noqa: ARG002
        """The whole corpus, frozen."""
        return self.columns, torch.from_numpy(self.vectors)

    def search(self, queries: Queries, depth: int) -> Run:
        """Ranks the base's document vectors by the tuned queries."""
        dense = Dense(list(self.columns), self.vectors, self.model, self.prefix)
        return Embedded(dense).search(queries, depth)

    def save(self, base: Path, folder: Path) -> None:
        """Saves the query encoder beside the base as document encoder."""
        self.model.save(str(folder / "query"), create_model_card=False)
        shutil.copytree(base, folder / "document")


@dataclass(slots=True)
class Full:
    """One encoder for queries and documents; documents need new vectors when it changes."""

    model: SentenceTransformer
    corpus: Corpus
    params: Params

    def candidates(self, examples: Sequence[Example]) -> tuple[dict[str, int], Tensor]:
        """The heads of the batch's lists, encoded with gradients."""
        size = self.params.train.list_size
        doc_ids = sorted(
            {
                doc_id
                for example in examples
                for doc_id in (*list(example.ranking)[:size], *example.positives[:1])
            }
        )
        prefix = self.params.encoder.document_prefix
        texts = [prefix + self.corpus[doc_id].contents for doc_id in doc_ids]
        columns = {doc_id: column for column, doc_id in enumerate(doc_ids)}
        return columns, embed(self.model, token_ids(self.model, texts))

    def search(self, queries: Queries, depth: int) -> Run:
        """Ranks the corpus, encoded anew."""
        encoder = self.params.encoder
        texts = [document.contents for document in self.corpus.values()]
        vectors = encode(self.model, texts, encoder.document_prefix, label="dev corpus")
        dense = Dense(list(self.corpus), vectors, self.model, encoder.query_prefix)
        return Embedded(dense).search(queries, depth)

    def save(self, base: Path, folder: Path) -> None:  # noqa: ARG002
        """Saves a model for queries and documents alike."""
        self.model.save(str(folder), create_model_card=False)


def student(
    model: SentenceTransformer, corpus: Corpus, vectors: Vectors, params: Params
) -> Full | QueryTower:
    """The student that `train.tower` asks for."""
    if params.train.tower == "full":
        return Full(model, corpus, params)
    columns = {doc_id: column for column, doc_id in enumerate(corpus)}
    # copied from the memory map, since torch wants memory that could be written
    return QueryTower(model, columns, np.array(vectors), params.encoder.query_prefix)
