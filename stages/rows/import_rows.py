"""Brings rows of a task in, as LLM-Embedder has them, to train on."""

import re
from pathlib import Path
from typing import Any

import click

from stages.cli import path_option, stage
from stages.lib.core.files import building, read_jsonl, write_jsonl
from stages.lib.errors import UserError
from stages.lib.tasks.rows import Row, read_rows, write_rows
from stages.lib.tasks.task import CORPUS, EVALUATION, ROWS, read_kind
from stages.lib.tasks.texts import read_texts

NAME = re.compile("[a-z0-9][a-z0-9_-]*")
PATH = click.Path(path_type=Path)


@stage
@path_option("--rows", help="JSON Lines of rows: query, pos, neg and the like.")
@click.option("--corpus", type=PATH, help="JSON Lines of the documents that indices count.")
@click.option("--evaluation", type=PATH, help="JSON Lines of rows to measure by.")
@path_option("--kinds", help="Folder of the kinds of tasks.")
@click.option("--kind", default="qa", help="The kind of the task, a file of that folder.")
@click.option(
    "--key-template", help="How fields of the corpus make a text, if not as the kind says."
)
@click.option("--turns", help="Field with earlier turns, a list of texts, to go before the query.")
@path_option("--out", help="Folder of rows, a folder a task.")
@click.argument("name")
def main(
    rows: Path,
    corpus: Path | None,
    evaluation: Path | None,
    kinds: Path,
    kind: str,
    key_template: str | None,
    turns: str | None,
    out: Path,
    name: str,
) -> str:
    """Check rows and write them to a folder NAME, with the texts that they name by index."""
    if not NAME.fullmatch(name):
        raise UserError(
            f"{name}: a task's name has small letters, digits, _ and - alone; rename it"
        )
    changes = {"key_template": key_template} if key_template else {}
    settings = read_kind(kinds, kind, changes, "--kind")
    texts = read_texts(corpus, settings.key_template) if corpus else None
    learnt = _with_turns(read_rows(rows, texts), rows, turns)
    measured = _with_turns(read_rows(evaluation, texts), evaluation, turns) if evaluation else []
    with building(out / name) as folder:
        write_rows(folder / ROWS, learnt)
        if corpus:
            write_jsonl(folder / CORPUS, (row for _, row in read_jsonl(corpus)))
        if evaluation:
            write_rows(folder / EVALUATION, measured)
    shown = f"{{key_template: {key_template!r}}}" if key_template else "{}"
    entry = f"{{name: {name}, kind: {kind}, set: {shown}}}"
    beside = f" beside {len(texts):,} documents" if texts else ""
    return f"import_rows: {len(learnt):,} rows{beside}; add {entry} to tasks.rows in params.yaml"


def _with_turns(rows: list[Row], path: Path, field: str | None) -> list[Row]:
    """The rows with earlier turns before their queries, as one text each."""
    if not field:
        return rows
    found = []
    for number, row in enumerate(rows, 1):
        values: dict[str, Any] = row.dump()
        turns = values.pop(field, [])
        if not isinstance(turns, list) or not all(isinstance(turn, str) for turn in turns):
            raise UserError(f"{path}:{number}: {field} is no list of texts, which --turns needs")
        found.append(Row.model_validate({**values, "query": " ".join([*turns, row.query])}))
    return found


if __name__ == "__main__":
    main()
