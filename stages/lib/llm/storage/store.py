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
from stages.lib.llm.messages import Rejection, Request, Response
from stages.lib.llm.storage.journal import Journal
from stages.lib.llm.storage.ledger import Ledger


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

    @property
    def path(self) -> Path:
        """Where all answers are."""
        return self._journal_path

    @functools.cached_property
    def journal(self) -> Journal:
        """What the user has ever received."""
        return Journal(self._journal_path)

    def get(self, request: Request) -> Response | Rejection | None:
        """The stored response of this very request, or that it was refused.

        A row of another version or form is read by name; one that lacks its text counts as missing.
        """
        # the output first: it is what the lock file names, and where it has all, the journal, which
        # grows with every run of every project, need not be there
        found = outcome(self._output.row(request.key))
        if found is None:
            self._output.drop(request.key)
            found = outcome(parsed(self.journal.get(request.key)))
        if found is not None:
            self._use(request)
        return found

    def put(self, request: Request, response: Response) -> Response | Rejection:
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

    def reject(self, request: Request, words: str) -> None:
        """Stores that a request was refused, so that it is not made again."""
        self.record_rejection(request.stamp, words)
        self._use(request)

    def record_rejection(self, stamp: Mapping[str, str | int], words: str) -> None:
        """The same for a request of which only the stamp is left."""
        self._record({**stamp, "rejected": words})

    def _record(self, row: dict[str, Any]) -> bool:
        key, line = str(row["key"]), orjson.dumps(row)
        if self.journal.put(key, line):
            return True
        if outcome(parsed(self.journal.get(key))) is not None:
            return False
        self.journal.replace(key, line)
        return True

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


def parsed(line: bytes | None) -> dict[str, Any] | None:
    """The row of a line; None where it is damaged."""
    try:
        row = orjson.loads(line) if line else None
    except orjson.JSONDecodeError:
        return None
    return row if isinstance(row, dict) else None


def outcome(row: dict[str, Any] | None) -> Response | Rejection | None:
    """What a row holds, by name; None where it holds nothing that can be read."""
    if row is None:
        return None
    if isinstance(row.get("rejected"), str):
        return Rejection(row["rejected"])
    held = row.get("response")
    if not isinstance(held, dict) or not isinstance(held.get("text"), str):
        return None
    refusal = held.get("refusal")
    return Response(
        text=held["text"],
        finish_reason=_text(held.get("finish_reason")),
        refusal=refusal if isinstance(refusal, str) else None,
        model=_text(held.get("model")),
        prompt_tokens=_count(held.get("prompt_tokens")),
        completion_tokens=_count(held.get("completion_tokens")),
    )


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _count(value: object) -> int:
    return value if isinstance(value, int) and value >= 0 else 0
