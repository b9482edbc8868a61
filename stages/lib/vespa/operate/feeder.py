"""Feeding through the `vespa` command so that nothing is lost.

The command retries what is throttled, but gives up on a document after ten failures and then
still exits with 0. So every acknowledgement is counted, and what has none is fed again.

pyvespa could feed too, but it trusts no authority of one's own for the server's certificate, and
what its callback raises ends no feed, so that a full disk would be asked to the last document.
"""

import re
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from tqdm import tqdm

from stages.lib.core.files import read_jsonl, write_jsonl
from stages.lib.errors import UserError
from stages.lib.vespa.search.connection import Connection, executable, unreachable

LINE = re.compile(
    r'feed: got (?:status (?P<status>\d+)|error "(?P<error>.*)") \((?P<body>.*)\) for '
    r"(?:put|update|remove) (?P<id>id:.*?)"
    r"(?:: (?:not retryable|retrying.*|giving up after \d+ attempts))?$"
)
REFUSED = {400, 404, 405, 413}
"""Answers that say that the operation itself is wrong."""

STALLED = 4
"""Rounds without a single acknowledgement after which Vespa counts as gone."""


@dataclass(slots=True)
class Fed:
    """What became of a feed."""

    done: set[str] = field(default_factory=set)
    rejected: dict[str, str] = field(default_factory=dict)
    rounds: int = 0
    seconds: float = 0.0

    def settled(self, document_id: str) -> bool:
        """Whether an operation needs no other try."""
        return document_id in self.done or document_id in self.rejected


def feed(
    connection: Connection,
    path: Path,
    folder: Path,
    renew: Callable[[], None] = lambda: None,
    pause: float = 1.0,
    timeout: int = 60,
) -> Fed:
    """Feeds a JSONL file of operations, each at least once, until all are acknowledged or refused.

    Args:
        connection: where to.
        path: the operations; ids are unique in it.
        folder: for what has to be fed once more.
        renew: called all along, to keep a lease; what it raises ends the feed.
        pause: seconds before the second round, doubled for each further one.
        timeout: seconds for one operation.

    Raises:
        UserError: the disk is full, access is denied, or nobody answers any longer.

    """
    fed = Fed()
    total = sum(1 for _ in read_jsonl(path))
    begun = time.monotonic()
    idle = 0
    with tqdm(total=total, desc=f"feed {path.name}", unit="op") as progress:
        rest = path
        while True:
            before, last = len(fed.done), ""
            for fault in _round(connection, rest, timeout, fed):
                last = fault
                progress.update(len(fed.done) - progress.n)
                renew()
            fed.rounds += 1
            if len(fed.done) + len(fed.rejected) >= total:
                break
            idle = idle + 1 if len(fed.done) == before else 0
            if idle >= STALLED:
                raise UserError(
                    f"{len(fed.done)} of {total} operations fed, then no more: "
                    f"{unreachable(connection.endpoint, last)}; make deploy goes on from here"
                )
            time.sleep(min(pause * 2 ** (fed.rounds - 1), 30))
            rest = folder / "rest.jsonl"
            write_jsonl(rest, (row for _, row in read_jsonl(path) if not fed.settled(_id(row))))
    fed.seconds = time.monotonic() - begun
    return fed


def _id(row: dict[str, object]) -> str:
    return str(row.get("update") or row.get("put") or row.get("remove"))


def _round(connection: Connection, path: Path, timeout: int, fed: Fed) -> Iterator[str]:
    """Feeds a file once; gives the last fault that may pass, after each operation."""
    last = "no answer"
    patience = ["--timeout", str(timeout), "--deadline", str(timeout)]
    arguments = [*connection.documents("feed"), "--verbose", *patience]
    with subprocess.Popen(  # noqa: S603 - no shell, and arguments of our own
        [executable(), *arguments, str(path)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        stdin=subprocess.DEVNULL,
        text=True,
    ) as process:
        try:
            for status, fault, document_id in _results(process):
                if status == 200:
                    fed.done.add(document_id)
                elif status in REFUSED:
                    fed.rejected[document_id] = f"{status}: {fault}"
                else:
                    _stop_if_hopeless(connection, status, fault, len(fed.done))
                    last = fault
                yield last
        finally:
            process.kill()
    yield last


def _results(process: "subprocess.Popen[str]") -> Iterator[tuple[int, str, str]]:
    """Status (0 without an answer), fault and id of each operation's outcome."""
    assert process.stderr is not None  # noqa: S101 - it is piped
    for line in process.stderr:
        match = LINE.match(line.rstrip("\n"))
        if match:
            yield int(match["status"] or 0), match["error"] or match["body"], match["id"]
        elif line.startswith("Error: "):  # of the command as a whole
            yield 0, line.removeprefix("Error: ").strip(), ""


def _stop_if_hopeless(connection: Connection, status: int, fault: str, done: int) -> None:
    if status == 507:
        raise UserError(
            f"Vespa's disk or memory is full ({fault}); {done} operations are stored. Give it "
            "room or nodes, then run make deploy again: the live model serves as before"
        )
    if status in {401, 403}:
        raise UserError(f"{connection.endpoint}: feeding is not allowed ({status}: {fault})")


def write_rejected(path: Path, fed: Fed) -> None:
    """Writes what Vespa refused, sorted: the document's id and why."""
    rows = ({"id": name, "fault": fault} for name, fault in sorted(fed.rejected.items()))
    write_jsonl(path, rows)
