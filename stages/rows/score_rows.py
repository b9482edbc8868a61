"""Scores the documents of a task's rows by a language model, for training to learn from."""

from pathlib import Path

import click

from stages.cli import PARAMS, path_option, stage
from stages.lib.encoding.hub import fetch_beside
from stages.lib.errors import UserError
from stages.lib.llm.environment import Environment
from stages.lib.llm.storage.store import Store
from stages.lib.params import Params, read_params
from stages.lib.scoring.scorer import Local, Remote, Scorer, score
from stages.lib.scoring.wording import Asked, before, check_template
from stages.lib.tasks.rows import Row, write_rows
from stages.lib.tasks.task import ROWS, Task, named_task


@stage
@path_option("--rows", help="Folder of rows, a folder a task.")
@path_option("--kinds", help="Folder of the kinds of tasks.")
@path_option("--model", help="Folder for a language model that comes from the hub.")
@path_option("--store", help="JSONL for the scores.")
@click.argument("name")
@PARAMS
def main(rows: Path, kinds: Path, model: Path, store: Path, name: str, params: Path) -> str:
    """Score each document of the task NAME by how likely the answer is after it.

    The scores become the rows' teacher_scores, in the place of others.
    """
    settings = read_params(params)
    task = named_task(rows, name, settings.tasks, kinds)
    scorer = open_scorer(settings, model)
    scores = Store(store, Environment.read().journal)
    scored = score_rows(task, scorer, scores, settings)
    scores.save()
    write_rows(rows / name / ROWS, scored)
    documents = sum(len(row.candidates) for row in scored)
    return f"score_rows: {documents:,} documents of {len(scored):,} rows"


def open_scorer(settings: Params, folder: Path) -> Scorer:
    """The language model that the parameters name.

    Args:
        settings: its section is `scoring`.
        folder: for a model from the hub.

    """
    scoring = settings.scoring
    if not scoring.model:
        raise UserError("params.yaml: scoring.model names no language model; name one")
    if scoring.provider == "openai":
        return Remote(scoring.model, settings.prices.models)
    if Path(scoring.model).is_dir():
        return Local(Path(scoring.model))
    fetch_beside(scoring.model, scoring.revision, "scoring.model", "scoring.revision", folder)
    return Local(folder)


def score_rows(task: Task, scorer: Scorer, store: Store, settings: Params) -> list[Row]:
    """The rows with a score of each document.

    Args:
        task: its template says what the model reads.
        scorer: the language model.
        store: of scores that are known.
        settings: how much of a document is read, and whether the mean or the sum counts.

    Raises:
        UserError: a row without an answer or without documents: with its file and number.

    """
    scoring, template = settings.scoring, task.settings.scoring_template
    try:
        check_template(template)
    except ValueError as error:
        raise UserError(f"{task.name}: scoring_template: {error}") from error
    asked = []
    for number, row in enumerate(task.rows, 1):
        if not row.answers or not row.answers[0].strip():
            raise UserError(
                f"{task.place}:{number}: no answers, by which a language model scores documents; "
                "add one to each row"
            )
        if not row.candidates:
            raise UserError(
                f"{task.place}:{number}: no documents to score; add pos, neg or history"
            )
        for document in row.candidates:
            head = before(template, row.query, document, scoring.document_words)
            asked.append(Asked(head, row.answers[0].strip(), scorer.name, scoring.most_tokens))
    found = score(asked, scorer, store)
    values = iter(one.mean if scoring.score == "mean" else one.total for one in found)
    return [
        row.model_copy(update={"teacher_scores": [round(next(values), 6) for _ in row.candidates]})
        for row in task.rows
    ]


if __name__ == "__main__":
    main()
