"""Decisions about generated queries as tables for spreadsheets, and as records for Argilla."""

import csv
import io
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from stages.lib.core.collection import Corpus
from stages.lib.errors import UserError
from stages.lib.page.reviewing import Fate
from stages.lib.people.argilla import QUESTIONS, read_records
from stages.lib.people.reviews import Decision

READ = ("query_id", "decision", "text", "doc_id")
COLUMNS = (*READ, "query", "type", "fate", "source", "title", "document")
"""What is read again, and what shows what the decision is about."""
FORMULA = ("=", "+", "-", "@", "\t")
"""Spreadsheets run what begins so."""


def as_csv(fates: Iterable[Fate], decisions: Mapping[str, Decision], corpus: Corpus) -> str:
    """A row a query, with the decision where there is one."""
    file = io.StringIO()
    writer = csv.DictWriter(file, COLUMNS)
    writer.writeheader()
    for row in _rows(fates, decisions, corpus):
        writer.writerow({name: _harmless(value) for name, value in row.items()})
    return file.getvalue()


def as_records(
    fates: Iterable[Fate], decisions: Mapping[str, Decision], corpus: Corpus
) -> list[dict[str, Any]]:
    """Records as `Dataset.records.from_json` of Argilla 2 reads them.

    What was decided is suggested there: an answer needs a person of that server.
    """
    return [
        {
            "id": row["query_id"],
            "fields": {name: row[name] for name in ("query", "title", "document")},
            "metadata": {name: row[name] for name in ("type", "fate", "source")},
            "suggestions": {
                name: {"value": row[name], "score": None, "agent": None}
                for name in QUESTIONS
                if row[name]
            },
            "responses": {},
            "vectors": {},
        }
        for row in _rows(fates, decisions, corpus)
    ]


def read_exchange(given: str) -> Iterator[dict[str, str]]:
    """The decisions of a table or of records: query_id, decision, text and doc_id.

    Raises:
        UserError: it is neither.

    """
    if given.lstrip().startswith("["):
        yield from read_records(given)
        return
    reader = csv.DictReader(io.StringIO(given))
    if not {"query_id", "decision"} <= set(reader.fieldnames or ()):
        raise UserError('expected a table with the columns "query_id" and "decision", or records')
    for row in reader:
        if row.get("decision"):
            yield {name: _plain(row.get(name) or "") for name in READ}


def _rows(
    fates: Iterable[Fate], decisions: Mapping[str, Decision], corpus: Corpus
) -> Iterator[dict[str, str]]:
    for fate in fates:
        query, document = fate.query, corpus[fate.query.doc_id]
        decision = decisions.get(query.query_id)
        yield {
            "query_id": query.query_id,
            "decision": decision.decision if decision else "",
            "text": decision.text if decision else "",
            "doc_id": decision.doc_id if decision else "",
            "query": query.text,
            "type": query.type,
            "fate": fate.step,
            "source": query.doc_id,
            "title": document.title,
            "document": document.text,
        }


def _harmless(value: str) -> str:
    return f"'{value}" if value.startswith(FORMULA) else value


def _plain(value: str) -> str:
    return value[1:] if value[:1] == "'" and value[1:].startswith(FORMULA) else value
