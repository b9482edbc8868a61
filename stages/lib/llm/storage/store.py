"""A stage's responses, so that none that was paid for is lost or asked twice.

A response goes into the user's journal, before anything looks into it, under the key of its whole
request. What a run has used is also written, sorted by key, to the stage's output, which `dvc push`
and `dvc pull` share.
"""

import functools
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import orjson

from stages.lib.core.files import writing
from stages.lib.llm.messages import Keyed, Rejection, Response
from stages.lib.llm.storage.journal import Journal
from stages.lib.llm.storage.ledger import Ledger
from stages.lib.llm.storage.rows import about, line_of, outcome, parsed


class Store:
    """The responses of a stage.

    Args:
        output: the stage's DVC output, read where it is there.
        journal: what the user has ever received; not opened before something is missing in the
            output.

    """

    def __init__(self, output: Path, journal: Path) -> None:
        self._output = Ledger(output)
        self._journal_path = journal
        self._used: dict[str, str] = {}
        self._damaged: set[str] = set()

    @property
    def path(self) -> Path:
        """Where all answers are."""
        return self._journal_path

    @property
    def damaged(self) -> int:
        """Damaged rows that were met, which count as missing."""
        return self._output.torn + len(self._damaged)

    @functools.cached_property
    def journal(self) -> Journal:
        """What the user has ever received."""
        return Journal(self._journal_path)

    def get(self, request: Keyed) -> Response | Rejection | None:
        """The stored response of this very request, or that it was refused.

        A row of another version or form is read by name; one that lacks its text counts as missing.
        """
        # the output first: it is what the lock file names, and where it has all, the journal, which
        # grows with every run of every project, need not be there
        key = request.key
        found = self._read(key, self._output.line(key) if key in self._output else None)
        if found is None:
            self._output.drop(key)
            found = self._read(key, self.journal.get(key))
        if found is not None:
            self._use(request)
        return found

    def put(self, request: Keyed, response: Response) -> Response | Rejection:
        """Stores a response, and returns what is stored: another run may have been first.

        It is in the journal once this returns, whatever becomes of the process.
        """
        if not self.record(request.stamp, response):
            return self.get(request) or response
        self._use(request)
        return response

    def record(self, stamp: Mapping[str, str | int], response: Response) -> bool:
        """Stores a response to a request of which only the stamp is left; False if it has one."""
        return self._record({**stamp, "response": asdict(response)})

    def reject(self, request: Keyed, words: str) -> None:
        """Stores that a request was refused, so that it is not made again."""
        self.record_rejection(request.stamp, words)
        self._use(request)

    def record_rejection(self, stamp: Mapping[str, str | int], words: str) -> None:
        """The same for a request of which only the stamp is left."""
        self._record({**stamp, "rejected": words})

    def _record(self, row: dict[str, Any]) -> bool:
        key, line = str(row["key"]), line_of(row)
        if self.journal.put(key, line):
            return True
        if outcome(parsed(self.journal.get(key))) is not None:
            return False
        self.journal.replace(key, line)
        return True

    def _read(self, key: str, line: bytes | None) -> Response | Rejection | None:
        found = outcome(parsed(line))
        if line is not None and found is None:
            self._damaged.add(key)
        return found

    def rows(self) -> Iterator[dict[str, Any]]:
        """All stored rows that hold a response, each key once."""
        for key, line in self.journal.lines():
            if key not in self._output:
                row = parsed(line)
                if row is not None and isinstance(outcome(row), Response):
                    yield row
        for key in list(self._output):
            row = self._output.row(key)
            if row is not None and isinstance(outcome(row), Response):
                yield row

    def save(self) -> None:
        """Writes what this run has used to the stage's output, sorted by key.

        What the output held for other requests moves to the journal, for it was paid for too.
        """
        unused = [key for key in self._output if key not in self._used]
        if unused:
            self.journal.put_all(
                (key, self._output.line(key)) for key in unused if self._output.row(key)
            )
        with writing(self._output.path) as file:
            for key in sorted(self._used):
                file.buffer.write(self._line(key, self._used[key]) + b"\n")

    def _use(self, request: Keyed) -> None:
        subject = self._used.setdefault(request.key, request.subject)
        if request.subject < subject:
            self._used[request.key] = request.subject

    def _line(self, key: str, subject: str) -> bytes:
        line = self._output.line(key) if key in self._output else self.journal.get(key)
        if line is None:
            raise AssertionError("what was used is stored")
        if line.startswith(orjson.dumps({"key": key, "subject": subject})[:-1] + b","):
            return line
        # a document that got another id since: the same inputs must give the same bytes
        return about(orjson.loads(line), subject)
