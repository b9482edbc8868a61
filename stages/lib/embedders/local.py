"""An embedder whose files are here, encoded by sentence-transformers."""

from collections.abc import Sequence
from pathlib import Path

from stages.lib.encoder_params import EmbedderModel
from stages.lib.encoding.encoder import Vectors, dimension, encode, load_encoder, towers
from stages.lib.encoding.store import VectorStore
from stages.lib.encoding.vectors import encoder_hash, write_vectors
from stages.lib.encoding.workers import encoding
from stages.lib.llm.session import ask_nothing


class LocalEmbedder:
    """Encodes by a model in a folder.

    Args:
        folder: the model, or one of an encoder for queries and another for documents.
        settings: its length and prefixes.
        store: the stage's output for an endpoint's answers, which stays empty; None for none.
        processes: that encode documents together; None for as many as there are GPUs.

    """

    def __init__(
        self,
        folder: Path,
        settings: EmbedderModel,
        store: Path | None = None,
        processes: int | None = None,
    ) -> None:
        query, document = towers(folder)
        self._folder = folder
        self._processes = processes
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

    def write_documents(self, path: Path, texts: Sequence[str], out: Path) -> int:
        """Writes the vectors of documents, and encodes those that the run before has not."""
        model, settings = self._document, self._settings
        store = VectorStore(out, encoder_hash(self._folder), dimension(model))
        folder = towers(self._folder)[1]
        with encoding(model, folder, settings.encoder, self._processes) as encode_new:
            prefix = settings.document_prefix
            write_vectors(path, encode_new, texts, prefix, "encode documents", store)
        return dimension(model)

    def save(self) -> None:
        """Writes an empty store."""
        if self._store is not None:
            ask_nothing(self._store)
