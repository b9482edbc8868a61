"""An embedder that is not trained: it encodes the documents, and shows how to encode queries."""

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

import numpy as np

from stages.lib.embedders.endpoint import EndpointEmbedder
from stages.lib.embedders.local import LocalEmbedder
from stages.lib.encoder_params import EmbedderModel
from stages.lib.encoding.encoder import BLOCK, Vectors
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

    def save(self) -> None:
        """Writes what was paid for to the stage's output."""
        ...


def open_embedder(
    folder: Path, settings: EmbedderModel, params: Params, store: Path, key: str
) -> Embedder:
    """The embedder of a folder that the stage base made.

    Args:
        folder: the model's files, or the record of one behind an endpoint.
        settings: its section of params.yaml.
        params: the prices.
        store: the stage's output for what an endpoint answers.
        key: the parameter that names the model, for errors.

    """
    if is_remote(folder):
        return EndpointEmbedder(read_record(folder), params, store, key)
    return LocalEmbedder(folder, settings, store)


def write_documents(path: Path, embedder: Embedder, texts: Sequence[str]) -> int:
    """Encodes documents into an npy file, block by block; the vectors' dimensions."""
    with path.open("wb") as file:
        width = 0
        for start in range(0, len(texts), BLOCK):
            block = embedder.documents(texts[start : start + BLOCK])
            if not start:
                width = block.shape[1]
                shape = (len(texts), width)
                header = {"descr": "<f4", "fortran_order": False, "shape": shape}
                np.lib.format.write_array_header_1_0(file, header)
            file.write(block.astype("<f4", copy=False).tobytes())
    return width
