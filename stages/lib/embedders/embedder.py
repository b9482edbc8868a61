"""An embedder that is not trained: it encodes the documents, and shows how to encode queries."""

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from stages.lib.embedders.endpoint import EndpointEmbedder
from stages.lib.embedders.local import LocalEmbedder
from stages.lib.encoder_params import EmbedderModel
from stages.lib.encoding.encoder import Vectors
from stages.lib.encoding.remote import is_remote, read_record
from stages.lib.params import Params


class Embedder(Protocol):
    """Encodes texts as unit vectors."""

    def queries(self, texts: Sequence[str]) -> Vectors:
        """Vectors of queries, (texts, dimensions)."""
        ...

    def documents(self, texts: Sequence[str]) -> Vectors:
        """Vectors of documents, (texts, dimensions)."""
        ...

    def write_documents(self, path: Path, texts: Sequence[str], out: Path) -> int:
        """Writes the vectors of documents, a row a document; their dimensions.

        Args:
            path: the file, `vectors.npy` of a folder that takes the place of
            out: where what the run before wrote lies.
            texts: the documents'.

        """
        ...

    def save(self) -> None:
        """Writes what was paid for to the stage's output."""
        ...


def open_embedder(
    folder: Path,
    settings: EmbedderModel,
    params: Params,
    store: Path,
    key: str,
    processes: int | None = None,
) -> Embedder:
    """The embedder of a folder that the stage base made.

    Args:
        folder: the model's files, or the record of one behind an endpoint.
        settings: its section of params.yaml.
        params: the prices.
        store: the stage's output for what an endpoint answers.
        key: the parameter that names the model, for errors.
        processes: that encode documents together; None for as many as there are GPUs.

    """
    if is_remote(folder):
        return EndpointEmbedder(read_record(folder), params, store, key)
    return LocalEmbedder(folder, settings, store, processes)
