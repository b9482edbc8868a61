"""A retrieval collection in BEIR's vocabulary: corpus, queries and qrels per split."""

import os
import re
from array import array
from codecs import BOM_UTF8
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import accumulate
from pathlib import Path
from typing import Any, overload

from pydantic_core import from_json

from stages.lib.core.files import read_jsonl, read_lines, write_jsonl, writing
from stages.lib.errors import UserError

Queries = dict[str, str]
"""Text by query_id."""
Qrels = dict[str, dict[str, int]]
"""Relevance (0 and up) by doc_id by query_id."""

SPLITS = ("train", "dev", "test")

GRADE = re.compile(r"[-+]?[0-9]{1,12}")
HIGHEST_GRADE = 1000
"""No scale of people's grades goes beyond, and trec_eval counts up to the highest one."""


@dataclass(frozen=True, slots=True)
class Document:
    """One unit of retrieval."""

    doc_id: str
    title: str
    text: str
    source: str = ""
    """Where it stands, as guide/install.md#linux or manual.pdf#page=12; "" where nobody knows."""

    @property
    def contents(self) -> str:
        """What every retriever sees: title and text."""
        return f"{self.title} {self.text}".strip()

    @property
    def heading(self) -> str:
        """The title as people type it: of a path of headings the last one."""
        return self.title.rpartition(" > ")[2].strip()


Corpus = Mapping[str, Document]
"""Documents by doc_id, in the order of the file."""


class StoredCorpus(Mapping[str, Document]):
    """A corpus.jsonl whose documents stay on disk until they are asked for.

    Memory holds only where each document begins: about 200 bytes a document.
    """

    def __init__(self, path: Path) -> None:
        self._lines: dict[str, int] = {}
        for number, document in stream_corpus(path):
            if document.doc_id in self._lines:
                raise UserError(f"{path}:{number}: duplicate _id {document.doc_id!r}")
            self._lines[document.doc_id] = number - 1
        if not self._lines:
            raise UserError(f"{path}: the corpus is empty; expected one JSON object a line")
        self._file = path.open("rb")
        self._starts = array("q", accumulate(map(len, self._file), initial=0))

    def __getitem__(self, doc_id: str) -> Document:
        line = self._lines[doc_id]
        start, end = self._starts[line], self._starts[line + 1]
        # pread, since threads may share the file
        row = from_json(os.pread(self._file.fileno(), end - start, start).removeprefix(BOM_UTF8))
        return Document(doc_id, row.get("title") or "", row["text"])

    def __contains__(self, doc_id: object) -> bool:
        return doc_id in self._lines

    def __iter__(self) -> Iterator[str]:
        return iter(self._lines)

    def __len__(self) -> int:
        return len(self._lines)

    def __del__(self) -> None:
        if hasattr(self, "_file"):
            self._file.close()


class Texts(Sequence[str]):
    """The contents of a corpus' documents in its order, read as they are asked for."""

    def __init__(self, corpus: Corpus) -> None:
        self._corpus = corpus
        self._doc_ids = list(corpus)

    @overload
    def __getitem__(self, index: int) -> str: ...
    @overload
    def __getitem__(self, index: slice) -> list[str]: ...
    def __getitem__(self, index: int | slice) -> str | list[str]:
        if isinstance(index, slice):
            return contents(self._corpus, self._doc_ids[index])
        return self._corpus[self._doc_ids[index]].contents

    def __len__(self) -> int:
        return len(self._doc_ids)


@dataclass(slots=True)
class Split:
    """Queries and their judgements."""

    queries: Queries = field(default_factory=dict)
    qrels: Qrels = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self.qrels)


MEASURED_ON = "measured_on.txt"
"""A file beside the corpus: the split that the report measures on."""
SYNTHETIC = "synthetic dev"
"""Stands there where nobody judged a query: the report has the held-out generated ones alone."""


@dataclass(slots=True)
class Collection:
    """A corpus with its splits; a split that a source lacks is empty."""

    corpus: Corpus
    splits: dict[str, Split]


def read_corpus(path: Path) -> StoredCorpus:
    """Reads BEIR's corpus.jsonl: `_id`, `title` (may be missing), `text`."""
    return StoredCorpus(path)


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


def document_row(document: Document) -> dict[str, Any]:
    """A document as a row of BEIR's corpus.jsonl."""
    row = {"_id": document.doc_id, "title": document.title, "text": document.text}
    return row | ({"metadata": {"source": document.source}} if document.source else {})


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
    """Reads BEIR's qrels: tab-separated query-id, corpus-id, score, with or without a header.

    Raises:
        UserError: a row of another form, a grade beyond `HIGHEST_GRADE`, or two grades for a pair.

    """
    qrels: Qrels = {}
    first = True
    for number, line in read_lines(path):
        cells = line.rstrip("\r\n").split("\t")
        header, first = first and cells[-1].strip().lower() in {"score", "relevance"}, False
        if header:
            continue
        if len(cells) == 4:
            raise UserError(
                f"{path}:{number}: four columns, as TREC writes qrels; leave out the second, so "
                "that query-id, corpus-id and score stand tab-separated"
            )
        if len(cells) != 3 or not GRADE.fullmatch(cells[2].strip()):
            raise UserError(
                f"{path}:{number}: expected query-id, corpus-id and a whole number, tab-separated"
            )
        query_id, doc_id, relevance = cells[0], cells[1], int(cells[2])
        if abs(relevance) > HIGHEST_GRADE:
            raise UserError(
                f"{path}:{number}: the grade {relevance} is beyond {HIGHEST_GRADE}; is the column "
                "another number?"
            )
        judged = qrels.setdefault(query_id, {})
        if judged.setdefault(doc_id, relevance) != relevance:
            raise UserError(
                f"{path}:{number}: {query_id!r} and {doc_id!r} have the grade {relevance}, and "
                f"{judged[doc_id]} further up; keep one of them"
            )
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
