"""A retrieval collection in BEIR's vocabulary: corpus, queries and qrels per split."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

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
    for number, row in read_jsonl(path):
        for key in ("_id", "text"):
            if not isinstance(row.get(key), str):
                raise UserError(f'{path}:{number}: "{key}" is missing or not a string')
        if row["_id"] in corpus:
            raise UserError(f"{path}:{number}: duplicate _id {row['_id']!r}")
        corpus[row["_id"]] = Document(row["_id"], row.get("title") or "", row["text"])
    if not corpus:
        raise UserError(f"{path}: the corpus is empty; expected one JSON object a line")
    return corpus


def write_corpus(path: Path, corpus: Corpus) -> None:
    """Writes BEIR's corpus.jsonl, sorted by doc_id."""
    write_jsonl(
        path,
        (
            {"_id": doc.doc_id, "title": doc.title, "text": doc.text}
            for doc in sorted(corpus.values(), key=lambda doc: doc.doc_id)
        ),
    )


def read_queries(path: Path) -> Queries:
    """Reads BEIR's queries.jsonl: `_id`, `text`."""
    queries: Queries = {}
    for number, row in read_jsonl(path):
        for key in ("_id", "text"):
            if not isinstance(row.get(key), str):
                raise UserError(f'{path}:{number}: "{key}" is missing or not a string')
        queries[row["_id"]] = row["text"]
    return queries


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
