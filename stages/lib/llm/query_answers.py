"""Short answers to generated queries, each written from the document of its query."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from stages.lib.core.collection import Corpus
from stages.lib.core.files import read_jsonl, write_jsonl
from stages.lib.core.generated import query_id
from stages.lib.errors import UserError
from stages.lib.llm.answers import Queries, Question
from stages.lib.llm.prompts import Prompts

LONGEST = 300
"""Characters of an answer; a longer one is not short."""


class QueryAnswers(Queries):
    """The answers to the queries of a document: one text a type."""

    name, items = "query_answers", "answers"


def questions(
    writer: Prompts, corpus: Corpus, queries: Mapping[str, Mapping[str, str]]
) -> Iterator[Question[str]]:
    """A request a document, for answers to all its queries.

    Args:
        writer: makes the requests.
        corpus: the documents.
        queries: texts by type, by doc_id.

    """
    for doc_id, texts in queries.items():
        # sorted: the order is part of what an answer is stored under
        lines = [{"type": kind, "query": texts[kind]} for kind in sorted(texts)]
        form = QueryAnswers(sorted(texts), LONGEST)
        yield writer.about(corpus[doc_id], lines, form, "answers")


def by_document(rows: Iterable[Mapping[str, str]]) -> dict[str, dict[str, str]]:
    """The texts of generated queries by type, by doc_id."""
    found: dict[str, dict[str, str]] = {}
    for row in rows:
        found.setdefault(row["doc_id"], {})[row["type"]] = row["text"]
    return found


def answers(
    asked: Mapping[str, Sequence[Mapping[str, str]]], queries: Mapping[str, Mapping[str, str]]
) -> dict[str, str]:
    """The answers by query_id, sorted.

    Args:
        asked: answers by type, for each question about a document, by doc_id.
        queries: that were asked about: texts by type, by doc_id.

    """
    found = {
        query_id(doc_id, kind, queries[doc_id][kind]): text
        for doc_id, parts in asked.items()
        for part in parts
        for kind, text in part.items()
    }
    return dict(sorted(found.items()))


def write_query_answers(path: Path, written: Mapping[str, str]) -> None:
    """Writes JSONL with `_id`, that of the query, and `answer`."""
    write_jsonl(path, ({"_id": name, "answer": text} for name, text in written.items()))


def read_query_answers(path: Path) -> dict[str, str]:
    """The answers by query_id, as `write_query_answers` wrote them.

    Raises:
        UserError: a line without an id or an answer.

    """
    found: dict[str, str] = {}
    for number, row in read_jsonl(path):
        name, text = row.get("_id"), row.get("answer")
        if not isinstance(name, str) or not isinstance(text, str):
            raise UserError(f'{path}:{number}: "_id" or "answer" is missing or not a string')
        found[name] = text
    return found
