"""An embedder whose files are here, encoded by sentence-transformers."""

from collections.abc import Sequence
from pathlib import Path

from stages.lib.encoder_params import EmbedderModel
from stages.lib.encoding.encoder import Vectors, encode, load_encoder, towers
from stages.lib.llm.session import ask_nothing


class LocalEmbedder:
    """Encodes by a model in a folder.

    Args:
        folder: the model, or one of an encoder for queries and another for documents.
        settings: its length and prefixes.
        store: the stage's output for an endpoint's answers, which stays empty; None for none.

    """

    def __init__(self, folder: Path, settings: EmbedderModel, store: Path | None = None) -> None:
        query, document = towers(folder)
        self._query = load_encoder(query, settings.encoder)
        same = document == query
        self._document = self._query if same else load_encoder(document, settings.encoder)
        self._settings = settings
        self._store = store

    def queries(self, texts: Sequence[str]) -> Vectors:
        """Vectors of queries, (texts, dimensions)."""
        return encode(self._query, texts, self._settings.query_prefix, label="encode queries")

    def documents(self, texts: Sequence[str]) -> Vectors:
        """Vectors of documents, (texts, dimensions)."""
        return encode(
            self._document, texts, self._settings.document_prefix, label="encode documents"
        )

    def save(self) -> None:
        """Writes an empty store."""
        if self._store is not None:
            ask_nothing(self._store)
