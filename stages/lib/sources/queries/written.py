"""Queries that other tools wrote for documents, and the documents that their files hold.

- llamaindex: the JSON of an EmbeddingQAFinetuneDataset (queries, corpus, relevant_docs).
- gpl: a folder with PREFIX-queries.jsonl and PREFIX-qrels/train.tsv, as GPL and BEIR leave it.
- inpars: JSONL of query and doc_id, as InPars and its filter leave it.
- flagembedding: JSONL of query and pos, the texts that answer it.
"""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

from stages.lib.core.collection import Document, check_id, read_qrels, read_queries
from stages.lib.core.files import read_json, read_jsonl
from stages.lib.core.hashes import text_hash
from stages.lib.errors import UserError
from stages.lib.sources.source import Placed, Source


class Written(NamedTuple):
    """A query and the document it was written for, by id, text or both."""

    place: str
    query: str
    doc_id: str
    text: str


def read_written(tool: str, path: Path) -> Iterator[Written]:
    """The queries of a tool's file or folder, a row a query and document."""
    return FORMATS[tool].queries(path)


def open_written(tool: str, path: Path) -> Source:
    """The documents of a tool's file as a collection without judgements."""
    documents = FORMATS[tool].documents if tool else None
    if documents is None:
        usable = " or ".join(name for name, row in FORMATS.items() if row.documents)
        raise UserError(
            f"prepare.source: files of {tool or 'no tool'!r} hold no documents; set "
            f"prepare.queries_from to {usable}, or take them from where they are"
        )
    return Source(str(path), documents(path))


def _llamaindex(path: Path) -> Iterator[Written]:
    data = _llamaindex_data(path)
    for query_id, doc_ids in data["relevant_docs"].items():
        place = f"{path}: relevant_docs.{query_id}"
        if not isinstance(doc_ids, list) or query_id not in data["queries"]:
            raise UserError(f"{place}: expected a list of documents for one of the queries")
        for doc_id in doc_ids:
            if not isinstance(doc_id, str):
                raise UserError(f"{place}: {doc_id!r} is no document's id, a string")
            text = data["corpus"].get(doc_id, "")
            yield Written(place, str(data["queries"][query_id]), doc_id, str(text))


def _llamaindex_documents(path: Path) -> Iterator[Placed]:
    for doc_id, text in _llamaindex_data(path)["corpus"].items():
        place = f"{path}: corpus.{doc_id}"
        yield Placed(place, Document(check_id(doc_id, place), "", str(text).strip()))


def _llamaindex_data(path: Path) -> dict[str, Any]:
    data = read_json(path)
    for key in ("queries", "corpus", "relevant_docs"):
        if not isinstance(data, dict) or not isinstance(data.get(key), dict):
            raise UserError(
                f"{path}: {key} is missing or no object; expected the JSON that LlamaIndex's "
                "EmbeddingQAFinetuneDataset saves"
            )
    return dict(data)


def _gpl(folder: Path) -> Iterator[Written]:
    paths = sorted(folder.glob("*-queries.jsonl"))
    if len(paths) != 1:
        raise UserError(f"{folder}: has {len(paths)} files *-queries.jsonl; expected one, of GPL")
    queries = read_queries(paths[0])
    qrels = folder / paths[0].name.replace("-queries.jsonl", "-qrels") / "train.tsv"
    for query_id, judged in read_qrels(qrels).items():
        for doc_id in judged:
            place = f"{qrels}: {query_id}"
            if query_id not in queries:
                raise UserError(f"{place}: no such query in {paths[0].name}")
            yield Written(place, queries[query_id], doc_id, "")


def _inpars(path: Path) -> Iterator[Written]:
    for number, row in read_jsonl(path):
        place = f"{path}:{number}"
        # pandas, by which InPars writes, makes numbers of ids that look like some
        if not isinstance(row.get("query"), str) or not isinstance(row.get("doc_id"), str | int):
            raise UserError(f'{place}: "query" or "doc_id" is missing or of another type')
        yield Written(place, row["query"], str(row["doc_id"]), "")


def _flagembedding(path: Path) -> Iterator[Written]:
    for number, row in read_jsonl(path):
        place = f"{path}:{number}"
        if not isinstance(row.get("query"), str):
            raise UserError(f'{place}: "query" is missing or not a string')
        for text in _texts(row, "pos", place):
            yield Written(place, row["query"], _text_id(text), text)


def _flagembedding_documents(path: Path) -> Iterator[Placed]:
    seen: set[str] = set()
    for number, row in read_jsonl(path):
        place = f"{path}:{number}"
        for text in (*_texts(row, "pos", place), *_texts(row, "neg", place)):
            doc_id = _text_id(text)
            if doc_id not in seen:
                seen.add(doc_id)
                yield Placed(place, Document(doc_id, "", text.strip()))


def _texts(row: dict[str, Any], key: str, place: str) -> list[str]:
    texts = row.get(key, [] if key == "neg" else None)
    if not isinstance(texts, list) or not all(isinstance(text, str) for text in texts):
        raise UserError(f'{place}: "{key}" is missing or not a list of texts')
    return texts


def _text_id(text: str) -> str:
    return "text-" + text_hash(text.strip(), digits=16)


class Format(NamedTuple):
    """How the files of a tool are read."""

    queries: Callable[[Path], Iterator[Written]]
    documents: Callable[[Path], Iterator[Placed]] | None
    """None where the files hold no documents."""


FORMATS: dict[str, Format] = {
    "llamaindex": Format(_llamaindex, _llamaindex_documents),
    "gpl": Format(_gpl, None),
    "inpars": Format(_inpars, None),
    "flagembedding": Format(_flagembedding, _flagembedding_documents),
}
"""By the name that prepare.queries_from gives."""
