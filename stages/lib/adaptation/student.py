"""What trains: an adapter behind queries whose vectors are known, against frozen documents."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from sentence_transformers import SentenceTransformer
from sentence_transformers.base.modules import InputModule
from torch import Tensor

from stages.lib.adaptation.adapter import Adapter, adapted
from stages.lib.adaptation.folder import save_adapter
from stages.lib.encoder_params import EmbedderModel
from stages.lib.encoding.adapter import copy_weights, load_weights
from stages.lib.encoding.encoder import Vectors, device
from stages.lib.search.crossfit import Asked
from stages.lib.search.engine import Dense, Known
from stages.lib.training.documents import Documents, Frozen
from stages.lib.training.students import Weights


class KnownTexts(InputModule):
    """Stands where a model would read texts: it looks their vectors up.

    Args:
        vectors: unit vectors by text.

    """

    def __init__(self, vectors: Mapping[str, Vectors]) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._vectors = vectors

    def preprocess(self, inputs: Sequence[Any], prompt: str | None = None, **_: Any) -> Any:  # noqa: ARG002
        """The vectors of the texts as features."""
        found = np.stack([self._vectors[text] for text in inputs])
        return {"sentence_embedding": torch.from_numpy(found)}

    def forward(self, features: dict[str, Tensor | Any], **_: Any) -> dict[str, Tensor | Any]:
        """The features as they are."""
        return features

    def save(self, output_path: str, *_: Any, **__: Any) -> None:
        """Saves nothing: the adapter is saved without it."""


class AdaptedQueries:
    """A student of `training`: an embedder's queries behind an adapter, its documents as they are.

    Args:
        adapter: as it begins; it is trained in place.
        doc_ids: the ids of the rows of `documents`.
        documents: the embedder's vectors of the corpus, (documents, dimensions).
        queries: its vectors of all queries that train or choose, by text.
        settings: the embedder.

    """

    def __init__(
        self,
        adapter: Adapter,
        doc_ids: Sequence[str],
        documents: Vectors,
        queries: Mapping[str, Vectors],
        settings: EmbedderModel,
    ) -> None:
        self.model = SentenceTransformer(
            modules=[KnownTexts(queries), *adapter], device=str(device())
        )
        columns = {doc_id: column for column, doc_id in enumerate(doc_ids)}
        self.documents: Documents = Frozen(columns, documents)
        self._adapter = adapter
        self._doc_ids = doc_ids
        self._vectors = documents
        self._texts = list(queries)
        self._queries = np.stack([queries[text] for text in self._texts])
        self._settings = settings

    def weights(self) -> Weights:
        """The adapter's."""
        return copy_weights(self.model)

    def load(self, weights: Weights) -> None:
        """Takes the adapter's weights."""
        load_weights(self.model, weights)

    def enrich(self, weights: Weights, further: Sequence[Asked]) -> list[Weights]:
        """As they are: documents keep their vectors."""
        return [weights] * len(further)

    def dense(self) -> Dense:
        """Ranks the documents by the queries behind the adapter as it is."""
        vectors = adapted(self._adapter, self._queries)
        return Known(self._doc_ids, self._vectors, dict(zip(self._texts, vectors, strict=True)))

    def save(self, base: Path, folder: Path) -> None:
        """Saves the adapter, behind the embedder where that is here."""
        save_adapter(self._adapter, base, self._settings, folder)
