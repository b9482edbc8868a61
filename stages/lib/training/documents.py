"""The documents that a batch of queries is ranked against, and whether their vectors move."""

from collections.abc import Sequence
from typing import Protocol

import numpy as np
import torch
from sentence_transformers import SentenceTransformer
from torch import Tensor
from torch.nn import Parameter, functional

from stages.lib.core.collection import Corpus
from stages.lib.core.examples import Example
from stages.lib.encoding.encoder import Vectors, embed, token_ids
from stages.lib.params import Params


class Documents(Protocol):
    """The documents that a batch is ranked against."""

    def of(self, examples: Sequence[Example]) -> tuple[dict[str, int], Tensor]:
        """A batch's documents: their rows by id, and unit vectors, (documents, dimensions)."""
        ...

    def trained(self) -> list[Parameter]:
        """What is trained beside the model."""
        ...

    def penalty(self) -> Tensor | None:
        """What it costs that document vectors moved; None where they do not move by themselves."""
        ...


class Frozen(torch.nn.Module):
    """The whole corpus, by vectors that stay as they are."""

    def __init__(self, columns: dict[str, int], vectors: Vectors) -> None:
        super().__init__()
        self.columns = columns
        # copied from the memory map, since torch wants memory that could be written
        self.vectors = torch.from_numpy(np.array(vectors))

    def of(self, examples: Sequence[Example]) -> tuple[dict[str, int], Tensor]:  # noqa: ARG002
        """The whole corpus."""
        return self.columns, self.vectors

    def trained(self) -> list[Parameter]:
        """Nothing."""
        return []

    def penalty(self) -> Tensor | None:
        """None: nothing moves."""
        return None


class Free(torch.nn.Module):
    """The whole corpus, by vectors that are trained like weights.

    Args:
        columns: the rows of documents by id.
        vectors: where training starts, and what it is held to.
        strength: how strongly.

    """

    def __init__(self, columns: dict[str, int], vectors: Vectors, strength: float) -> None:
        super().__init__()
        self.columns = columns
        self.vectors = Parameter(torch.from_numpy(np.array(vectors)))
        self._anchors = torch.from_numpy(np.array(vectors))
        self._strength = strength

    def of(self, examples: Sequence[Example]) -> tuple[dict[str, int], Tensor]:  # noqa: ARG002
        """The whole corpus."""
        return self.columns, functional.normalize(self.vectors, dim=1)

    def trained(self) -> list[Parameter]:
        """The vectors."""
        return [self.vectors]

    def penalty(self) -> Tensor | None:
        """The mean squared distance of the vectors from where they started, by the strength."""
        moved = functional.normalize(self.vectors, dim=1) - self._anchors.to(self.vectors.device)
        return self._strength * moved.square().sum(dim=1).mean()


class InBatch:
    """The heads of the batch's lists, encoded with gradients."""

    def __init__(self, model: SentenceTransformer, corpus: Corpus, params: Params) -> None:
        self._model = model
        self._corpus = corpus
        self._params = params

    def of(self, examples: Sequence[Example]) -> tuple[dict[str, int], Tensor]:
        """The best documents of each query, its positive and an answer."""
        size = self._params.train.list_size
        doc_ids = sorted(
            {
                doc_id
                for example in examples
                for doc_id in (
                    *list(example.ranking)[:size],
                    *example.positives[:1],
                    *example.answers[:1],
                )
            }
        )
        prefix = self._params.encoder.document_prefix
        texts = [prefix + self._corpus[doc_id].contents for doc_id in doc_ids]
        columns = {doc_id: column for column, doc_id in enumerate(doc_ids)}
        return columns, embed(self._model, token_ids(self._model, texts))

    def trained(self) -> list[Parameter]:
        """Nothing: the encoder is the model itself."""
        return []

    def penalty(self) -> Tensor | None:
        """None: the model itself moves."""
        return None
