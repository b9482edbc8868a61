"""BEIR folders: corpus.jsonl and, where there are any, queries.jsonl and qrels/SPLIT.tsv."""

from collections.abc import Iterator
from pathlib import Path

from stages.lib.core.collection import SPLITS, Qrels, read_qrels, stream_corpus, stream_queries
from stages.lib.errors import UserError
from stages.lib.sources.queries.answers import FILE, read_answers
from stages.lib.sources.source import Placed, PlacedQuery, Source


def open_beir(folder: Path) -> Source:
    """Opens a BEIR folder; without queries or without qrels it has no splits (zero-shot)."""
    if not folder.is_dir():
        raise UserError(f"prepare.path: {folder} is not a folder; give the folder of corpus.jsonl")
    if not (folder / "corpus.jsonl").is_file():
        raise UserError(
            f"{folder}: has no corpus.jsonl; give a folder in BEIR's form, or set prepare.source "
            "to what it is"
        )
    judged, qrels = read_judgements(folder)
    return Source(
        name=str(folder),
        documents=_documents(folder / "corpus.jsonl"),
        queries=judged,
        qrels=qrels,
        answers=read_answers(folder / FILE),
    )


def read_judgements(folder: Path) -> tuple[dict[str, list[PlacedQuery]], dict[str, Qrels]]:
    """The judged queries of a folder and their judgements, by split."""
    qrels = dict(_read_qrels(folder))
    queries = folder / "queries.jsonl"
    if qrels and not queries.is_file():
        raise UserError(f"{queries}: no such file, though there are qrels; add it or remove qrels")
    placed = [
        PlacedQuery(f"{queries}:{number}", query_id, text)
        for number, query_id, text in (stream_queries(queries) if qrels else ())
    ]
    judged = {
        split: [query for query in placed if query.query_id in rows]
        for split, rows in qrels.items()
    }
    return judged, qrels


def _documents(path: Path) -> Iterator[Placed]:
    for number, document in stream_corpus(path):
        yield Placed(f"{path}:{number}", document)


def _read_qrels(folder: Path) -> Iterator[tuple[str, Qrels]]:
    seen: dict[str, Path] = {}
    for path in sorted((folder / "qrels").glob("[!.]*")):
        split = path.stem.lower()
        if split not in SPLITS or path.suffix.lower() != ".tsv":
            raise UserError(
                f"{path}: not a split; rename it to train.tsv, dev.tsv or test.tsv, or remove it"
            )
        if seen.setdefault(split, path) != path:
            raise UserError(f"{path}: the split of {seen[split].name}, too; keep one of them")
        qrels = read_qrels(path)
        if not qrels:
            raise UserError(f"{path}: no judgement in it; add some or remove the file")
        yield split, qrels
