"""A JSON Lines file of responses: a stage's output, as DVC keeps and shares it."""

import mmap
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from stages.lib.errors import UserError
from stages.lib.llm.storage.rows import parsed

START = b'{"key":"'
KEY = slice(len(START), len(START) + 64)


class Ledger:
    """Reads responses by key; only the places of the lines are held in memory.

    Each line begins with its key, so that finding 100,000 of them does not mean parsing them. A
    line that is torn or damaged is left out.

    Args:
        path: the file; where there is none, there are no responses.

    Raises:
        UserError: the file cannot be read.

    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.torn = 0
        """Lines that are no rows."""
        self._places: dict[str, tuple[int, int]] = {}
        self._map: mmap.mmap | bytes = b""
        try:
            self._open()
        except OSError as error:
            raise UserError(f"{path}: cannot be read ({error.strerror or error})") from error

    def _open(self) -> None:
        if not self.path.is_file():
            return
        offset = 0
        with self.path.open("rb") as file:
            for line in file:
                whole = line.rstrip(b"\r\n")  # Git may have made line ends Windows's
                if whole.startswith(START) and whole.endswith(b"}") and len(whole) < len(line):
                    key = line[KEY].decode("ascii", "replace")
                    self._places[key] = (offset, offset + len(whole))
                elif whole:
                    self.torn += 1
                offset += len(line)
            if offset:
                self._map = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)

    def __contains__(self, key: str) -> bool:
        return key in self._places

    def __iter__(self) -> Iterator[str]:
        return iter(self._places)

    def line(self, key: str) -> bytes:
        """The line of a key that is there, without its end."""
        start, end = self._places[key]
        return self._map[start:end]

    def row(self, key: str) -> dict[str, Any] | None:
        """The row of a key; None where there is none or its line is damaged."""
        if key not in self._places:
            return None
        row = parsed(self.line(key))
        if row is None:
            self.drop(key)
        return row

    def drop(self, key: str) -> None:
        """Forgets a row that nobody can use."""
        self._places.pop(key, None)
