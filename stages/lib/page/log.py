"""Files that grow by a line an act, each on the disk before the act is confirmed."""

import os
import threading
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pydantic_core import to_json


class Log:
    """One person's file; it comes into being with the first act.

    Args:
        path: the file.
        who: whose acts these are.

    """

    def __init__(self, path: Path, who: str) -> None:
        self.who = who
        self._path = path
        self._lock = threading.Lock()

    def append(self, row: Mapping[str, Any]) -> dict[str, Any]:
        """Writes an act with who and when, and returns once it is on the disk."""
        now = datetime.now(UTC).isoformat(timespec="seconds")
        whole = {**row, "who": self.who, "when": now}
        with self._lock:
            new = not self._path.exists()
            self._path.parent.mkdir(parents=True, exist_ok=True)
            with self._path.open("ab") as file:
                file.write(to_json(whole) + b"\n")
                file.flush()
                os.fsync(file.fileno())
            if new:
                _sync_folder(self._path.parent)
        return whole


def drop_torn_line(path: Path) -> None:
    """Cuts off a last line that has no end: the machine failed within it, nobody was told of it."""
    if not path.is_file() or path.read_bytes()[-1:] in (b"", b"\n"):
        return
    whole = path.read_bytes().rpartition(b"\n")[0]
    with path.open("r+b") as file:
        file.truncate(len(whole) + 1 if whole else 0)
        os.fsync(file.fileno())


def _sync_folder(folder: Path) -> None:
    """Makes the name of a new file outlive a failure, too."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
