"""What is fed: documents, and vectors where Vespa does not compute them.

Both are updates that create the document where there is none: a put would erase the fed vectors
of the models that are deployed beside.
"""

from collections.abc import Iterator
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import torch

from stages.lib.core.collection import Corpus, Document
from stages.lib.core.text import forbidden
from stages.lib.encoding.encoder import Vectors
from stages.lib.errors import UserError
from stages.lib.search.vector_types import pack, prefix
from stages.lib.vespa.search.profile import Profile, VectorType

BLOCK = 10_000


def document_id(name: str, doc_id: str) -> str:
    """Vespa's id of a document; what follows the last colons is free text to Vespa."""
    return f"id:{name}:doc::{doc_id}"


def doc_id_of(document_id: str) -> str:
    """The doc_id in Vespa's id of a document."""
    return document_id.split("::", 1)[1]


def document_row(name: str, document: Document) -> dict[str, Any]:
    """The operation that stores a document's texts.

    Raises:
        UserError: the doc_id is empty or has a character that Vespa refuses in text.

    """
    for text in (document.doc_id, document.title, document.text):
        refused = forbidden(text)
        if refused is not None:
            raise UserError(
                f"document {document.doc_id!r}: has the character U+{ord(refused):04X}, which "
                "Vespa refuses; remove it from the collection"
            )
    if not document.doc_id:
        raise UserError("a document's _id is empty; Vespa needs one")
    fields = {
        "doc_id": document.doc_id,
        "title": document.title,
        "text": document.text,
        "to_embed": "",  # its vectors are fed, or embedded from title and text alone
    }
    return {
        "update": document_id(name, document.doc_id),
        "create": True,
        "fields": {key: {"assign": value} for key, value in fields.items()},
    }


def document_rows(name: str, corpus: Corpus) -> Iterator[dict[str, Any]]:
    """The operations that store a corpus' texts, sorted by doc_id."""
    for doc_id in sorted(corpus):
        yield document_row(name, corpus[doc_id])


def vector_rows(
    name: str, doc_ids: list[str], vectors: Vectors, profile: Profile, field: str
) -> Iterator[dict[str, Any]]:
    """The operations that store vectors, (documents, dimensions), in the order of `doc_ids`.

    They go to `field`, in the form that the profile's has.
    """
    for start in range(0, len(doc_ids), BLOCK):
        block = np.asarray(vectors[start : start + BLOCK], dtype=np.float32)
        if profile.dimension < block.shape[1]:
            block = prefix(block, profile.dimension)
        rows = hexadecimal(block, profile.vector_type)
        for doc_id, row in zip(doc_ids[start : start + BLOCK], rows, strict=True):
            yield {
                "update": document_id(name, doc_id),
                "create": True,
                "fields": {field: {"assign": {"values": row}}},
            }


def hexadecimal(vectors: Vectors, vector_type: VectorType) -> list[str]:
    """Each vector's cells as big-endian bits in hexadecimal, the shortest exact form of JSON."""
    if vector_type == "float":
        return [row.astype(">f4").tobytes().hex() for row in vectors]
    if vector_type == "binary":
        return [row.tobytes().hex() for row in pack(vectors)]
    rounded = torch.from_numpy(vectors.copy()).to(torch.bfloat16).view(torch.uint16).numpy()
    return [row.astype(">u2").tobytes().hex() for row in rounded]


def floats(text: str, cells: Literal["float", "bfloat16"]) -> npt.NDArray[np.float32]:
    """The vector of `hexadecimal`'s text."""
    raw = bytes.fromhex(text)
    if cells == "float":
        return np.frombuffer(raw, dtype=">f4").astype(np.float32)
    bits = np.frombuffer(raw, dtype=">u2").astype(np.uint32) << 16
    return bits.view(np.float32)
