"""Writes the collection and what was mined of it as rows that LLM-Embedder reads."""

from pathlib import Path

import click

from stages.cli import path_option, stage
from stages.lib.core.collection import read_corpus, read_split
from stages.lib.core.examples import read_mined
from stages.lib.core.files import building, write_jsonl
from stages.lib.evaluation.runs import read_run
from stages.lib.llm.query_answers import read_query_answers
from stages.lib.sources.queries.answers import FILE, read_answers
from stages.lib.tasks.collection import evaluation_rows, learning_rows
from stages.lib.tasks.rows import write_rows


@stage
@path_option("--collection", help="Folder of the collection.")
@path_option("--mined", help="Folder with training rows.")
@path_option("--answers", help="JSONL of answers to the generated queries; may be missing.")
@path_option("--out", help="Folder for corpus.jsonl, train.jsonl, dev.jsonl and test.jsonl.")
@click.option(
    "--run",
    type=click.Path(path_type=Path),
    help="A TREC run over the test queries, whose documents become key and key_index.",
)
@click.option("--depth", type=click.IntRange(min=1), default=10, help="Documents of the run a row.")
def main(
    collection: Path, mined: Path, answers: Path, out: Path, run: Path | None, depth: int
) -> str:
    """Write training rows with the teacher's scores, and rows to evaluate of each split."""
    corpus = read_corpus(collection / "corpus.jsonl")
    found = read_run(run) if run else {}
    written = read_query_answers(answers) if answers.is_file() else {}
    to_queries = {query_id: [text] for query_id, text in written.items()}
    references = read_answers(collection / FILE)
    learnt = learning_rows(read_mined(mined).train, corpus, to_queries)
    counts = [f"{len(learnt):,} to learn from"]
    with building(out) as folder:
        write_jsonl(
            folder / "corpus.jsonl",
            ({"title": one.title, "text": one.text} for one in corpus.values()),
        )
        write_rows(folder / "train.jsonl", learnt)
        for name in ("dev", "test"):
            split = read_split(collection / name)
            rows = list(evaluation_rows(split, corpus, references, found, depth))
            write_rows(folder / f"{name}.jsonl", rows)
            counts.append(f"{len(rows):,} of {name}")
    return f"export_rows: {', '.join(counts)}; key_template is '{{title}} {{text}}'"


if __name__ == "__main__":
    main()
