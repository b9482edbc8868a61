"""Responses that were paid for, so that none is lost or asked twice.

A response is appended to the journal, before anything looks into it, under the key of its whole
request. The journal belongs to the user, not to a checkout, so that killed runs, failing stages,
other commits and `dvc exp run --temp` all find it. What a run has used is also written, sorted by
key, to the stage's output, which `dvc push` and `dvc pull` share.
"""

import errno
import fcntl
import functools
import mmap
import os
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import orjson

from stages.lib.core.files import writing
from stages.lib.errors import UserError
from stages.lib.llm.messages import Request, Response

START = b'{"key":"'
KEY = slice(len(START), len(START) + 64)


class Ledger:
    """A JSON Lines file of responses, of which only the places of its lines are held in memory.

    Each line begins with its key, so that reading 100,000 of them does not mean parsing them. A
    line torn by a kill in the middle of a write is skipped.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
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
                if line.startswith(START) and line.endswith(b"}\n"):
                    key = line[KEY].decode("ascii", "replace")
                    self._places[key] = (offset, len(line))
                offset += len(line)
            if offset:
                self._map = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)

    def __contains__(self, key: str) -> bool:
        return key in self._places

    def __iter__(self) -> Iterator[str]:
        return iter(self._places)

    def line(self, key: str) -> bytes:
        """The line of a key that is there."""
        offset, length = self._places[key]
        if offset + length > len(self._map):  # appended since
            with self.path.open("rb") as file:
                self._map = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        return self._map[offset : offset + length]

    def row(self, key: str) -> dict[str, Any] | None:
        """The row of a key, None where there is none or the line is damaged."""
        if key not in self._places:
            return None
        try:
            row: dict[str, Any] = orjson.loads(self.line(key))
        except orjson.JSONDecodeError:
            del self._places[key]
            return None
        return row

    def append(self, key: str, line: bytes) -> None:
        """Appends a line; whole once this returns, whatever becomes of the process."""
        self._places[key] = (append(self.path, line), len(line))


def append(path: Path, line: bytes) -> int:
    """Appends a line to a file that other processes append to as well; where it begins."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("ab+", buffering=0) as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            end = file.seek(0, os.SEEK_END)
            # the torn last line of a process that was killed must not swallow this one
            torn = end > 0 and os.pread(file.fileno(), 1, end - 1) != b"\n"
            line = b"\n" + line if torn else line
            if file.write(line) != len(line):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    except OSError as error:
        raise UserError(
            f"{path}: cannot be written ({error.strerror or error}); make room, or set "
            "EMBEDSMITH_HOME to another folder; what was received before is kept"
        ) from error
    return end + torn


class Store:
    """The responses of a stage.

    Args:
        output: the stage's DVC output, read where it is there.
        journal: what the user has ever received.

    """

    def __init__(self, output: Path, journal: Path) -> None:
        self._output = Ledger(output)
        self._journal_path = journal
        self._used: dict[str, str] = {}

    @functools.cached_property
    def _journal(self) -> Ledger:
        return Ledger(self._journal_path)

    def __contains__(self, request: Request) -> bool:
        return request.key in self._output or request.key in self._journal

    def get(self, request: Request) -> Response | None:
        """The stored response of this very request."""
        # the output first: it is what the lock file names, and where it has all, the journal, which
        # grows with every run of every project, need not be read
        key = request.key
        row = self._output.row(key) or self._journal.row(key)
        if row is None:
            return None
        self._use(key, request.subject)
        return Response(**row["response"])

    def put(self, request: Request, response: Response) -> None:
        """Appends a response to the journal."""
        self.record(request.stamp, response)
        self._use(request.key, request.subject)

    def record(self, stamp: Mapping[str, str | int], response: Response) -> None:
        """Appends a response to a request of which only the stamp is left."""
        row = {**stamp, "response": asdict(response)}
        self._journal.append(str(stamp["key"]), orjson.dumps(row) + b"\n")

    def rows(self) -> Iterator[dict[str, Any]]:
        """All stored rows, each key once."""
        for ledger, other in ((self._journal, None), (self._output, self._journal)):
            for key in list(ledger):
                if other is None or key not in other:
                    row = ledger.row(key)
                    if row is not None:
                        yield row

    def save(self) -> None:
        """Writes what this run has used to the stage's output, sorted by key.

        What the output held for other requests moves to the journal, for it was paid for too.
        """
        for key in self._output:
            if key not in self._used and key not in self._journal:
                self._journal.append(key, self._output.line(key))
        with writing(self._output.path) as file:
            for key in sorted(self._used):
                file.buffer.write(self._line(key, self._used[key]))

    def _use(self, key: str, subject: str) -> None:
        known = self._used.setdefault(key, subject)
        if subject < known:
            self._used[key] = subject

    def _line(self, key: str, subject: str) -> bytes:
        line = (self._output if key in self._output else self._journal).line(key)
        if line.startswith(orjson.dumps({"key": key, "subject": subject})[:-1] + b","):
            return line
        # a document that got another id since: the same inputs must give the same bytes
        return orjson.dumps(orjson.loads(line) | {"subject": subject}) + b"\n"
