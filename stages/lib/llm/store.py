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
from stages.lib.llm.journal import Journal
from stages.lib.llm.ledger import Ledger
from stages.lib.llm.messages import Request, Response


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

    @functools.cached_property
    def journal(self) -> Journal:
        """What the user has ever received."""
        return Journal(self._journal_path)

    def get(self, request: Request) -> Response | None:
        """The stored response of this very request."""
        # the output first: it is what the lock file names, and where it has all, the journal, which
        # grows with every run of every project, need not be there
        row = self._output.row(request.key)
        if row is None:
            line = self.journal.get(request.key)
            if line is None:
                return None
            row = orjson.loads(line)
        self._use(request)
        return Response(**row["response"])

    def put(self, request: Request, response: Response) -> Response:
        """Stores a response, and returns what is stored: another run may have been first.

        It is in the journal once this returns, whatever becomes of the process.
        """
        if not self.record(request.stamp, response):
            return self.get(request) or response
        self._use(request)
        return response

    def record(self, stamp: Mapping[str, str | int], response: Response) -> bool:
        """Stores a response to a request of which only the stamp is left; False if it has one."""
        row = {**stamp, "response": asdict(response)}
        return self.journal.put(str(stamp["key"]), orjson.dumps(row))

    def rows(self) -> Iterator[dict[str, Any]]:
        """All stored rows, each key once."""
        for key, line in self.journal.lines():
            if key not in self._output:
                yield orjson.loads(line)
        for key in list(self._output):
            row = self._output.row(key)
            if row is not None:
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

    def _use(self, request: Request) -> None:
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
        return orjson.dumps(orjson.loads(line) | {"subject": subject})
