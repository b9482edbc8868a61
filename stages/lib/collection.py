"""A retrieval collection in BEIR's vocabulary: corpus, queries and qrels per split."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from stages.lib.errors import UserError
from stages.lib.files import read_jsonl, read_lines, write_jsonl, writing

Queries = dict[str, str]
"""Text by query_id."""
Qrels = dict[str, dict[str, int]]
"""Relevance (0 and up) by doc_id by query_id."""

SPLITS = ("train", "dev", "test")


@dataclass(frozen=True, slots=True)
class Document:
    """One unit of retrieval."""

    doc_id: str
    title: str
    text: str

    @property
    def contents(self) -> str:
        """What every retriever sees: title and text."""
        return f"{self.title} {self.text}".strip()


Corpus = dict[str, Document]
"""Documents by doc_id, in the order of the file."""


@dataclass(slots=True)
class Split:
    """Queries and their judgements."""

    queries: Queries = field(default_factory=dict)
    qrels: Qrels = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self.qrels)


@dataclass(slots=True)
class Collection:
    """A corpus with its splits; a split that a source lacks is empty."""

    corpus: Corpus
    splits: dict[str, Split]


def read_corpus(path: Path) -> Corpus:
    """Reads BEIR's corpus.jsonl: `_id`, `title` (may be missing), `text`."""
    corpus: Corpus = {}
    for number, doc in stream_corpus(path):
        if doc.doc_id in corpus:
            raise UserError(f"{path}:{number}: duplicate _id {doc.doc_id!r}")
        corpus[doc.doc_id] = doc
    if not corpus:
        raise UserError(f"{path}: the corpus is empty; expected one JSON object a line")
    return corpus


def stream_corpus(path: Path) -> Iterator[tuple[int, Document]]:
    """The documents of a corpus.jsonl with their line numbers, one at a time."""
    for number, row in read_jsonl(path):
        place = f"{path}:{number}"
        doc_id, text = _string(row, "_id", place), _string(row, "text", place)
        title = _string(row, "title", place) if row.get("title") is not None else ""
        yield number, Document(check_id(doc_id, place), title, text)


def check_id(identifier: str, place: str) -> str:
    """The id of a document or query, refused if qrels and TREC runs could not hold it."""
    if identifier.split() != [identifier]:
        raise UserError(
            f"{place}: the id {identifier!r} is empty or has white space, which qrels and runs "
            "cannot hold; change it"
        )
    return identifier


def _string(row: dict[str, Any], key: str, place: str) -> str:
    value = row.get(key)
    if not isinstance(value, str):
        raise UserError(f'{place}: "{key}" is missing or not a string')
    return value


def write_corpus(path: Path, corpus: Corpus) -> None:
    """Writes BEIR's corpus.jsonl, sorted by doc_id."""
    write_jsonl(path, (document_row(corpus[doc_id]) for doc_id in sorted(corpus)))


def document_row(document: Document) -> dict[str, str]:
    """A document as a row of BEIR's corpus.jsonl."""
    return {"_id": document.doc_id, "title": document.title, "text": document.text}


def read_queries(path: Path) -> Queries:
    """Reads BEIR's queries.jsonl: `_id`, `text`."""
    queries: Queries = {}
    for number, query_id, text in stream_queries(path):
        if query_id in queries:
            raise UserError(f"{path}:{number}: duplicate _id {query_id!r}")
        queries[query_id] = text
    return queries


def stream_queries(path: Path) -> Iterator[tuple[int, str, str]]:
    """Line number, query_id and text of each query of a queries.jsonl."""
    for number, row in read_jsonl(path):
        place = f"{path}:{number}"
        yield number, check_id(_string(row, "_id", place), place), _string(row, "text", place)


def write_queries(path: Path, queries: Queries) -> None:
    """Writes BEIR's queries.jsonl, sorted by query_id."""
    write_jsonl(
        path, ({"_id": query_id, "text": queries[query_id]} for query_id in sorted(queries))
    )


def read_qrels(path: Path) -> Qrels:
    """Reads BEIR's qrels: tab-separated query-id, corpus-id, score, with or without a header."""
    qrels: Qrels = {}
    for number, line in read_lines(path):
        cells = line.rstrip("\r\n").split("\t")
        if number == 1 and cells[-1].strip().lower() in {"score", "relevance"}:
            continue
        try:
            query_id, doc_id, relevance = cells[0], cells[1], int(cells[2])
        except (IndexError, ValueError) as error:
            raise UserError(
                f"{path}:{number}: expected query-id, corpus-id and a whole number, tab-separated"
            ) from error
        qrels.setdefault(query_id, {})[doc_id] = relevance
    return qrels


def write_qrels(path: Path, qrels: Qrels) -> None:
    """Writes BEIR's qrels with their header, sorted."""
    with writing(path) as file:
        file.write("query-id\tcorpus-id\tscore\n")
        for query_id in sorted(qrels):
            for doc_id in sorted(qrels[query_id]):
                file.write(f"{query_id}\t{doc_id}\t{qrels[query_id][doc_id]}\n")


def read_split(folder: Path) -> Split:
    """Reads a split's folder: queries.jsonl and qrels.tsv."""
    return Split(read_queries(folder / "queries.jsonl"), read_qrels(folder / "qrels.tsv"))


def write_split(folder: Path, split: Split) -> None:
    """Writes a split's folder: queries.jsonl and qrels.tsv; both empty of rows if it has none."""
    write_queries(folder / "queries.jsonl", split.queries)
    write_qrels(folder / "qrels.tsv", split.qrels)


def contents(corpus: Corpus, doc_ids: Iterable[str]) -> list[str]:
    """Title and text of the documents named, in their order."""
    return [corpus[doc_id].contents for doc_id in doc_ids]
