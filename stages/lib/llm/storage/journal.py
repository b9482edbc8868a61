"""The user's journal: every response that was ever received, and the batches under way.

It is an SQLite database that belongs to the user, not to a checkout: killed runs, failing stages,
other commits and `dvc exp run --temp` all find it, and several processes use it at once. It has to
lie on a local disk, since the write-ahead log is shared memory.

Each response is a transaction of its own. With the write-ahead log and `synchronous = NORMAL`, the
operating system has it before `put` returns, so that a process killed at any moment loses nothing.
The disk is waited for only now and then: a power failure can take the responses of the last
moments, but damages nothing.
"""

import contextlib
import fcntl
import os
import sqlite3
import stat
from collections.abc import Iterable, Iterator
from pathlib import Path

import orjson

from stages.lib.errors import UserError
from stages.lib.llm.storage.ledger import Ledger

BUSY = 60.0
"""Seconds to wait for another process that writes."""
CHECKPOINT = 10_000
"""Pages (of 4 KB) of the write-ahead log from which they move to the database: the keys are random,
and the more of them move at once, the fewer pages of the index are written again and again."""
DAMAGED = {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}
OLD_RESPONSES, OLD_BATCHES = "responses.jsonl", "batches.jsonl"
"""The journal as earlier versions wrote it, beside the database. It is read and left alone."""

SCHEMA = """
CREATE TABLE IF NOT EXISTS responses (key TEXT PRIMARY KEY, line TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS batches (
    name TEXT PRIMARY KEY, endpoint TEXT NOT NULL, stamps TEXT NOT NULL, status TEXT
);
CREATE TABLE IF NOT EXISTS imported (name TEXT PRIMARY KEY, size INTEGER NOT NULL);
"""
PUT = "INSERT OR IGNORE INTO responses VALUES (?, ?)"

Stamp = dict[str, str | int]
"""What is kept of a request beside its response: see `Request.stamp`."""


class Journal:
    """The database, made where there is none.

    Args:
        path: its file, which its owner alone may read from then on.

    Raises:
        UserError: it cannot be read or written, or is damaged; so do all methods.

    """

    def __init__(self, path: Path) -> None:
        self.path = path
        with self._explained():
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            # SQLite gives up at once where two processes switch to the write-ahead log together
            with _locked(path.parent):
                path.touch(mode=0o600)
                self._close_to_others()
                self._connection = sqlite3.connect(path, timeout=BUSY, isolation_level=None)
                self._connection.text_factory = bytes
                self._connection.execute("PRAGMA journal_mode = WAL")
                self._connection.execute("PRAGMA synchronous = NORMAL")
                self._connection.execute(f"PRAGMA wal_autocheckpoint = {CHECKPOINT}")
                self._connection.executescript(SCHEMA)
                # before anything is paid for: reading alone does not tell that the disk is full
                self._connection.execute("INSERT OR REPLACE INTO imported VALUES ('', 0)")
        self._import()

    def get(self, key: str) -> bytes | None:
        """The line of JSON stored under a key, without its end of line."""
        with self._explained():
            query = "SELECT line FROM responses WHERE key = ?"
            row = self._connection.execute(query, (key,)).fetchone()
        return row[0] if row else None

    def put(self, key: str, line: bytes) -> bool:
        """Stores a line; False if the key has one, which stays. It is safe once this returns."""
        with self._explained():
            return self._connection.execute(PUT, (key, line.decode())).rowcount > 0

    def replace(self, key: str, line: bytes) -> None:
        """Stores a line in the place of one that cannot be read."""
        with self._explained():
            query = "INSERT OR REPLACE INTO responses VALUES (?, ?)"
            self._connection.execute(query, (key, line.decode()))

    def put_all(self, rows: Iterable[tuple[str, bytes]]) -> None:
        """Stores lines by key, all or none; a key that has one keeps it."""
        with self._transaction():
            self._connection.executemany(PUT, ((key, line.decode()) for key, line in rows))

    def lines(self) -> Iterator[tuple[str, bytes]]:
        """All keys and lines."""
        with self._explained():
            for key, line in self._connection.execute("SELECT key, line FROM responses"):
                yield key.decode(), line

    def add_batch(self, name: str, endpoint: str, stamps: list[Stamp]) -> None:
        """Notes a batch that was submitted."""
        row = (name, endpoint, orjson.dumps(stamps).decode())
        with self._explained():
            self._connection.execute("INSERT OR IGNORE INTO batches VALUES (?, ?, ?, NULL)", row)

    def end_batch(self, name: str, status: str) -> None:
        """Notes that the answers of a batch were picked up."""
        with self._explained():
            query = "UPDATE batches SET status = ? WHERE name = ?"
            self._connection.execute(query, (status, name))

    def open_batches(self, endpoint: str) -> dict[str, list[Stamp]]:
        """The stamps of the requests, by the batches at an endpoint that nobody picked up yet."""
        with self._explained():
            query = "SELECT name, stamps FROM batches WHERE endpoint = ? AND status IS NULL"
            rows = self._connection.execute(f"{query} ORDER BY rowid", (endpoint,)).fetchall()
        return {name.decode(): orjson.loads(stamps) for name, stamps in rows}

    def _close_to_others(self) -> None:
        """Takes the rights of others to the journal, which earlier versions or people gave."""
        names = [self.path.name + end for end in ("", "-wal", "-shm")]
        for name in (*names, OLD_RESPONSES, OLD_BATCHES):
            path = self.path.with_name(name)
            with contextlib.suppress(FileNotFoundError, PermissionError):
                if stat.S_IMODE(path.stat().st_mode) & 0o077:
                    path.chmod(0o600)

    def _import(self) -> None:
        """Takes over what earlier versions wrote, whenever one of them has written more."""
        readers = {OLD_RESPONSES: self._import_responses, OLD_BATCHES: self._import_batches}
        for name, reader in readers.items():
            path = self.path.with_name(name)
            with self._explained():
                query = "SELECT size FROM imported WHERE name = ?"
                (imported,) = self._connection.execute(query, (name,)).fetchone() or (0,)
                size = path.stat().st_size if path.is_file() else 0
                if size > imported:
                    reader(path)
                    query = "INSERT OR REPLACE INTO imported VALUES (?, ?)"
                    self._connection.execute(query, (name, size))

    def _import_responses(self, path: Path) -> None:
        ledger = Ledger(path)
        self.put_all((key, ledger.line(key)) for key in list(ledger) if ledger.row(key))

    def _import_batches(self, path: Path) -> None:
        for line in path.read_bytes().splitlines():
            with contextlib.suppress(orjson.JSONDecodeError):  # torn by a kill
                row = orjson.loads(line)
                if "ended" in row:
                    self.end_batch(row["batch"], row["ended"])
                else:
                    self.add_batch(row["batch"], row["endpoint"], row["requests"])

    @contextlib.contextmanager
    def _transaction(self) -> Iterator[None]:
        with self._explained():
            self._connection.execute("BEGIN IMMEDIATE")
            with self._connection:
                yield

    @contextlib.contextmanager
    def _explained(self) -> Iterator[None]:
        """Turns the errors of SQLite and of the file system into ours."""
        try:
            yield
        except OSError as error:
            raise self._unusable(error.strerror or str(error)) from error
        except sqlite3.Error as error:
            if error.sqlite_errorcode in DAMAGED:
                raise UserError(
                    f"{self.path}: damaged ({error}); move it away and run again: a new one is "
                    "begun, and what data/llm holds is not asked again (`sqlite3 FILE .recover` "
                    "prints what can be saved of it)"
                ) from error
            raise self._unusable(str(error)) from error

    def _unusable(self, reason: str) -> UserError:
        return UserError(
            f"{self.path}: cannot be written ({reason}); make room, or set EMBEDSMITH_HOME to "
            "another folder; what was received before is kept"
        )


@contextlib.contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """Keeps out other processes that want the same lock, until the block or this process ends."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)
