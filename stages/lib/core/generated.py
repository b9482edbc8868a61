"""Queries that were made for a document."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from stages.lib.core.files import read_jsonl, write_jsonl
from stages.lib.core.hashes import text_hash
from stages.lib.errors import UserError

KEYS = ("_id", "doc_id", "type", "text")


@dataclass(frozen=True, slots=True)
class Generated:
    """A query with the document that it was made for."""

    query_id: str
    doc_id: str
    type: str
    text: str


def query_id(doc_id: str, kind: str, text: str) -> str:
    """An id that stays the same for the same query of the same document."""
    return f"syn-{text_hash(doc_id, kind, text, digits=16)}"


def read_generated(path: Path) -> list[Generated]:
    """Reads JSONL with `_id`, `doc_id`, `type` and `text`."""
    queries = []
    for number, row in read_jsonl(path):
        for key in KEYS:
            if not isinstance(row.get(key), str):
                raise UserError(f'{path}:{number}: "{key}" is missing or not a string')
        queries.append(Generated(*(row[key] for key in KEYS)))
    return queries


def write_generated(path: Path, queries: Iterable[Generated]) -> None:
    """Writes JSONL, sorted by id; repetitions of an id are written once."""
    by_id = {query.query_id: query for query in queries}
    write_jsonl(
        path,
        (
            dict(zip(KEYS, (query.query_id, query.doc_id, query.type, query.text), strict=True))
            for _, query in sorted(by_id.items())
        ),
    )
