"""Responses that were paid for, so that none is lost or asked twice.

A response is appended to the journal, before anything looks into it, under the sha256 of its
whole request. The journal belongs to the user, not to a checkout, so that killed runs, failing
stages, other commits and `dvc exp run --temp` all find it. What a run has used is also written,
sorted, to its stage's output, which `dvc push` and `dvc pull` share.
"""

import contextlib
import fcntl
import json
import os
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

from stages.lib.errors import UserError
from stages.lib.files import write_jsonl
from stages.lib.llm.messages import Request, Response


def journal_folder() -> Path:
    """EMBEDSMITH_HOME, or `embedsmith` in the user's cache folder."""
    home = os.environ.get("EMBEDSMITH_HOME")
    if home:
        return Path(home)
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "embedsmith"


class Store:
    """The responses of one stage.

    Args:
        output: the stage's DVC output, read if it is there.
        folder: of the journals.

    """

    def __init__(self, output: Path, folder: Path) -> None:
        self._output = output
        self._journal = folder / f"{output.stem}.jsonl"
        self._rows: dict[str, dict[str, Any]] = {}
        self._used: set[str] = set()
        for path in (output, self._journal):
            if path.is_file():
                self._rows |= {row["key"]: row for row in _rows(path)}

    def get(self, request: Request) -> Response | None:
        """The stored response of this very request."""
        row = self._rows.get(request.key)
        if row is None:
            return None
        self._used.add(request.key)
        return Response(**row["response"])

    def put(self, request: Request, response: Response) -> None:
        """Appends a response to the journal; it survives the death of this process."""
        row = {
            "key": request.key,
            "schema": request.schema,
            "subject": request.subject,
            "model": request.model,
            "attempt": request.attempt,
            "response": asdict(response),
        }
        self._rows[request.key] = row
        self._used.add(request.key)
        line = (json.dumps(row, ensure_ascii=False) + "\n").encode()
        try:
            self._journal.parent.mkdir(parents=True, exist_ok=True)
            with self._journal.open("ab") as file:
                fcntl.flock(file, fcntl.LOCK_EX)
                # a torn last line, of a process that was killed, must not swallow this one
                if file.tell() and not _ends_line(self._journal):
                    line = b"\n" + line
                file.write(line)
        except OSError as error:
            raise UserError(
                f"{self._journal}: cannot be written ({error.strerror}); free space, or set "
                "EMBEDSMITH_HOME to another folder; responses received so far are kept"
            ) from error

    def save(self) -> None:
        """Writes what this run has used to the stage's output, sorted by key."""
        write_jsonl(self._output, (self._rows[key] for key in sorted(self._used)))


def _rows(path: Path) -> Iterator[dict[str, Any]]:
    with path.open("rb") as file:
        for line in file:
            # a line torn by a kill in the middle of a write is asked again
            with contextlib.suppress(ValueError):
                yield json.loads(line)


def _ends_line(path: Path) -> bool:
    with path.open("rb") as file:
        file.seek(-1, os.SEEK_END)
        return file.read(1) == b"\n"
