"""Writes the collection and what was mined of it as rows that LLM-Embedder reads."""

from collections.abc import Sequence
from pathlib import Path

import click

from stages.cli import path_option, stage
from stages.lib.core.collection import Corpus, Split, read_corpus, read_split
from stages.lib.core.examples import Example, read_mined
from stages.lib.core.files import building, write_jsonl
from stages.lib.evaluation.runs import read_run
from stages.lib.search.engine import Run
from stages.lib.tasks.rows import Row, write_rows


@stage
@path_option("--collection", help="Folder of the collection.")
@path_option("--mined", help="Folder with training rows.")
@path_option("--out", help="Folder for corpus.jsonl, train.jsonl, dev.jsonl and test.jsonl.")
@click.option(
    "--run",
    type=click.Path(path_type=Path),
    help="A TREC run over the test queries, whose documents become key and key_index.",
)
@click.option("--depth", type=click.IntRange(min=1), default=10, help="Documents of the run a row.")
def main(collection: Path, mined: Path, out: Path, run: Path | None, depth: int) -> str:
    """Write training rows with the teacher's scores, and rows to evaluate of each split."""
    corpus = read_corpus(collection / "corpus.jsonl")
    places = {doc_id: place for place, doc_id in enumerate(corpus)}
    found = read_run(run) if run else {}
    learnt = learning_rows(read_mined(mined).train, corpus, places)
    counts = [f"{len(learnt):,} to learn from"]
    with building(out) as folder:
        write_jsonl(
            folder / "corpus.jsonl",
            ({"title": one.title, "text": one.text} for one in corpus.values()),
        )
        write_rows(folder / "train.jsonl", learnt)
        for name in ("dev", "test"):
            split = read_split(collection / name)
            rows = evaluation_rows(split, corpus, places, found, depth)
            write_rows(folder / f"{name}.jsonl", rows)
            counts.append(f"{len(rows):,} of {name}")
    return f"export_rows: {', '.join(counts)}; key_template is '{{title}} {{text}}'"


def learning_rows(examples: Sequence[Example], corpus: Corpus, places: dict[str, int]) -> list[Row]:
    """A row an example, with the teacher's scores of positives and then negatives."""
    return [
        Row.model_validate(
            {
                "query": one.query,
                "pos": [corpus[doc_id].contents for doc_id in one.positives],
                "neg": [corpus[doc_id].contents for doc_id in one.negatives],
                "pos_index": [places[doc_id] for doc_id in one.positives],
                "neg_index": [places[doc_id] for doc_id in one.negatives],
                "teacher_scores": [one.ranking[each] for each in (*one.positives, *one.negatives)],
                "task": "qa",
                "query_id": one.query_id,
            }
        )
        for one in examples
    ]


def evaluation_rows(
    split: Split, corpus: Corpus, places: dict[str, int], run: Run, depth: int
) -> list[Row]:
    """A row a judged query, with the places of what is relevant and of what a run found."""
    rows = []
    for query_id in sorted(split.qrels):
        relevant = [places[doc_id] for doc_id, grade in split.qrels[query_id].items() if grade > 0]
        if not relevant:
            continue
        row = {
            "query": split.queries[query_id],
            "pos_index": sorted(relevant),
            "task": "qa",
            "query_id": query_id,
        }
        if query_id in run:
            hits = list(run[query_id])[:depth]
            row["key"] = [corpus[doc_id].contents for doc_id in hits]
            row["key_index"] = [places[doc_id] for doc_id in hits]
        rows.append(Row.model_validate(row))
    return rows


if __name__ == "__main__":
    main()
