"""Real queries out of what people have: pasted lines, CSV, JSON Lines, search logs."""

import csv
import re
from collections.abc import Iterable, Iterator
from urllib.parse import unquote_plus

from pydantic_core import from_json

from stages.lib.core import seeds
from stages.lib.core.characters import cleaned
from stages.lib.core.hashes import text_hash
from stages.lib.core.text import normal, one_line

FIELDS = ("query", "text", "q", "search", "search_term", "keywords", "term")
"""What columns and parameters that hold queries are called."""
PARAMETER = re.compile(rf"[?&](?:{'|'.join(FIELDS)})=([^&\s\"']*)", re.IGNORECASE)
LONGEST = 300
"""Characters; longer lines are no queries."""


def query_id(text: str) -> str:
    """The id of a real query: the same for texts that differ in case and white space alone."""
    return f"q-{text_hash(normal(text), digits=12)}"


def parse(given: str) -> list[str]:
    """The distinct queries of a text, in their order.

    A line with `?q=…` of a search log gives that parameter, a line of JSON its field, a table with
    a column of that name this column; of anything else, each line is a query.
    """
    lines = [line for line in given.splitlines() if line.strip()]
    found: dict[str, str] = {}
    for raw in _raw(lines):
        text = one_line(cleaned(raw))
        if text and len(text) <= LONGEST:
            found.setdefault(normal(text), text)
    return list(found.values())


def drawn(queries: Iterable[str], count: int, seed: int) -> list[str]:
    """So many of the queries, drawn by hash; all if there are no more."""
    by_id = {query_id(text): text for text in queries}
    return [by_id[name] for name in seeds.shuffled(seed, by_id, "import")[:count]]


def _raw(lines: list[str]) -> Iterator[str]:
    if not lines:
        return
    if any(PARAMETER.search(line) for line in lines):
        for line in lines:
            yield from map(unquote_plus, PARAMETER.findall(line))
    elif lines[0].lstrip().startswith("{"):
        yield from (text for line in lines for text in _of_json(line))
    else:
        delimiter = max(",;\t", key=lines[0].count)
        header = [
            cell.strip().lower() for cell in next(csv.reader([lines[0]], delimiter=delimiter))
        ]
        column = next((header.index(name) for name in FIELDS if name in header), None)
        if column is None:
            yield from lines
            return
        for row in csv.reader(lines[1:], delimiter=delimiter):
            yield from row[column : column + 1]


def _of_json(line: str) -> Iterator[str]:
    try:
        row = from_json(line)
    except ValueError:
        return
    if isinstance(row, dict):
        yield from [row[name] for name in FIELDS if isinstance(row.get(name), str)][:1]
