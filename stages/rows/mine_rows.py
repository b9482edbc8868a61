"""Finds negatives for a task's rows, by BM25, by the base or in a TREC run."""

from pathlib import Path

import click

from stages.cli import PARAMS, path_option, stage
from stages.lib.encoding.encoder import encode, load_encoder
from stages.lib.errors import UserError
from stages.lib.evaluation.runs import read_run
from stages.lib.params import Params, read_params
from stages.lib.search.bm25 import Lexical
from stages.lib.search.engine import Dense, Embedded, Run
from stages.lib.tasks.negatives import rankings, searched, with_keys, with_negatives
from stages.lib.tasks.rows import write_rows
from stages.lib.tasks.task import ROWS, Task, named_task

BM25, DENSE = "bm25", "dense"


@stage
@path_option("--rows", help="Folder of rows, a folder a task.")
@path_option("--kinds", help="Folder of the kinds of tasks.")
@path_option("--model", help="The base model, for dense.")
@click.option(
    "--by",
    default=BM25,
    help="Who finds them: bm25, dense, or the path of a TREC run over places in the corpus.",
)
@click.option("--most", type=click.IntRange(min=1), default=50, help="Documents a row at most.")
@click.option("--keys", is_flag=True, help="Writes them as key and key_index, not as negatives.")
@click.argument("name")
@PARAMS
def main(
    rows: Path, kinds: Path, model: Path, by: str, most: int, keys: bool, name: str, params: Path
) -> str:
    """Fill in neg and neg_index of the task NAME from its corpus; teacher_scores go."""
    settings = read_params(params)
    task = named_task(rows, name, settings.tasks, kinds)
    if not task.corpus:
        raise UserError(
            f"{rows / name}: there is no corpus to search; bring it with make import-rows "
            "CORPUS=file"
        )
    # positives, and a few that hold an answer, are found too and are left out
    run = _found(task, by, 2 * most + 20, model, settings)
    change = with_keys if keys else with_negatives
    changed = [
        change(row, ranking, task.corpus, most)
        for row, ranking in zip(task.rows, rankings(task, run, by), strict=True)
    ]
    write_rows(rows / name / ROWS, changed)
    found = sum(len((row.key_index if keys else row.neg_index) or []) for row in changed)
    return f"mine_rows: {found:,} documents for {len(changed):,} rows by {by}"


def _found(task: Task, by: str, depth: int, model: Path, settings: Params) -> Run:
    places = [str(place) for place in range(len(task.corpus))]
    if by == BM25:
        asked = {str(number): row.query for number, row in enumerate(task.rows)}
        return Embedded(Lexical(places, task.corpus, settings.bm25)).search(asked, depth)
    if by == DENSE:
        encoder = load_encoder(model, settings.encoder)
        instruction = task.settings.instruction_document.replace("{task}", "")
        vectors = encode(encoder, task.corpus, instruction, label="documents")
        return Embedded(Dense(places, vectors, encoder, "")).search(searched(task), depth)
    return read_run(Path(by))


if __name__ == "__main__":
    main()
