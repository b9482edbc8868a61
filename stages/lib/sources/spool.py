"""Keeps documents of any order and number on disk until they can be written sorted."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from pydantic_core import to_json

from stages.lib.core.collection import Document, document_row


class Spool:
    """Holds documents in a file, and in memory an offset for each: about 200 bytes a document."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._offsets: dict[str, int] = {}

    def __contains__(self, doc_id: object) -> bool:
        return doc_id in self._offsets

    def __len__(self) -> int:
        return len(self._offsets)

    def add(self, document: Document) -> None:
        """Appends a document whose id is new."""
        self._offsets[document.doc_id] = self._file.tell()
        self._file.write(to_json(document_row(document)) + b"\n")

    def write(self, path: Path) -> None:
        """Writes a corpus.jsonl, sorted by doc_id."""
        with path.open("wb") as target:
            for doc_id in sorted(self._offsets):
                self._file.seek(self._offsets[doc_id])
                target.write(self._file.readline())


@contextmanager
def spooling(folder: Path) -> Iterator[Spool]:
    """An empty spool in a temporary file."""
    with tempfile.TemporaryFile(dir=folder) as file:
        yield Spool(file)
