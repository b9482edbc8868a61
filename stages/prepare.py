"""Reads a collection from anywhere into BEIR's form, and counts its faults."""

from collections.abc import Iterator
from pathlib import Path

import click
from tqdm import tqdm

from stages.cli import PARAMS, path_option, stage
from stages.lib.core.collection import (
    MEASURED_ON,
    SYNTHETIC,
    Document,
    Split,
    stream_corpus,
    write_split,
)
from stages.lib.core.files import building, write_json, writing
from stages.lib.core.generated import Generated, write_generated
from stages.lib.errors import UserError
from stages.lib.params import Prepare, read_params
from stages.lib.people.judgements import QUERIES, read_people
from stages.lib.sources.catalogue import open_source
from stages.lib.sources.cleaning import clean_documents, clean_splits
from stages.lib.sources.lengths import count_long, long_documents_message, read_tokenizer
from stages.lib.sources.queries.answers import FILE, write_answers
from stages.lib.sources.queries.holdout import with_dev
from stages.lib.sources.queries.matching import match
from stages.lib.sources.queries.written import read_written
from stages.lib.sources.source import PlacedQuery, Source
from stages.lib.sources.spool import spooling


@stage
@path_option("--tokenizer", help="The base model's tokenizer.json.")
@path_option("--judgements", help="Folder of what people judged; may be empty.")
@path_option("--out", help="Folder for the collection.")
@path_option("--metrics", help="JSON file for its sizes and faults.")
@PARAMS
def main(tokenizer: Path, judgements: Path, out: Path, metrics: Path, params: Path) -> str:
    """Read a collection into BEIR's form; drop or refuse what is wrong with it."""
    settings = read_params(params)
    policy = settings.prepare
    counter = read_tokenizer(tokenizer)
    source = open_source(policy, settings.encoder, counter)
    with building(out) as folder, spooling(folder) as spool:
        corpus = folder / "corpus.jsonl"
        documents = tqdm(source.documents, "prepare", unit=" documents", disable=None)
        counts = clean_documents(source.name, documents, policy, spool)
        by_people = _add_judged(source, policy.judgements, judgements)
        if by_people:
            counts["queries_judged_by_people"] = by_people
        labelled, faults = clean_splits(source, spool, policy)
        for note in source.notes:
            click.echo(note, err=True)
        splits = with_dev(labelled, policy.dev_share, settings.seed)
        spool.write(corpus)
        progress = tqdm(_documents(corpus), "tokens", len(spool), unit=" documents", disable=None)
        long = count_long(progress, counter, settings.encoder)
        if long:
            _report(long_documents_message(long, len(spool), settings.encoder), policy)
        for name, split in splits.items():
            write_split(folder / name, split)
        judged_ids = {name for split in splits.values() for name in split.queries}
        measured = [name for name in ("test", "dev") if splits[name]]
        with writing(folder / MEASURED_ON) as file:
            file.write((measured or [SYNTHETIC])[0] + "\n")
        answers = write_answers(folder / FILE, source.answers, judged_ids)
        if answers:
            counts["reference_answers"] = answers
        queries: list[Generated] = []
        if policy.queries_from:
            written = read_written(policy.queries_from, policy.queries_path)
            queries, imported = match(written, _documents(corpus), policy)
            counts.update(imported)
        write_generated(folder / "imported.jsonl", queries)
    sizes = {"documents": len(spool), **source.counts, **counts, "long_documents": long}
    shares = {"long_share": round(long / len(spool), 4), "zero_shot": not splits["train"]}
    drawn = len(splits["dev"].queries) - len(labelled["dev"].queries)
    of_splits = {name: {**_size(split), **faults[name]} for name, split in splits.items()}
    write_json(metrics, {**sizes, **shares, **faults, **of_splits, "dev_from_train": drawn})
    judged = ", ".join(f"{len(split.queries):,} {name}" for name, split in splits.items())
    told = f"prepare: {len(spool):,} documents, {long:,} of them too long, {judged} queries"
    similar = source.counts["similar_files"]
    return told + (f", {similar:,} files much like another" if similar else "")


def _size(split: Split) -> dict[str, int]:
    return {"queries": len(split.queries), "judgements": sum(map(len, split.qrels.values()))}


def _add_judged(source: Source, split: str, folder: Path) -> int:
    """Adds what people judged on the page to a split of a source, and says how many queries."""
    people = read_people(folder)
    qrels = {name: row for name, row in people.qrels().items() if name not in people.checks}
    if not qrels or split == "none":
        return 0
    place = str(folder / QUERIES)
    source.queries.setdefault(split, []).extend(
        PlacedQuery(place, name, people.queries[name]) for name in qrels
    )
    source.qrels.setdefault(split, {}).update(qrels)
    return len(qrels)


def _documents(corpus: Path) -> Iterator[Document]:
    return (document for _, document in stream_corpus(corpus))


def _report(message: str, policy: Prepare) -> None:
    if policy.long_documents == "error":
        raise UserError(message)
    click.echo(f"Warning: {message}", err=True)


if __name__ == "__main__":
    main()
