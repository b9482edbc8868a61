"""A task: its rows, its corpus where it has one, and how it learns and is measured."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from stages.lib.errors import UserError
from stages.lib.tasks.rows import Row, read_rows
from stages.lib.tasks.texts import read_texts
from stages.lib.tasks_params import Settings, TaskEntry, Tasks

ROWS, CORPUS, EVALUATION = "rows.jsonl", "corpus.jsonl", "evaluation.jsonl"
"""The files of a task's folder; the latter two may be missing."""


@dataclass(frozen=True, slots=True)
class Task:
    """A task.

    Args:
        name: in metrics.
        settings: how it learns and is measured.
        rows: to learn from, and to hold some out where `evaluation` is empty.
        corpus: the texts that indices count; empty where rows hold all documents.
        evaluation: rows to measure by.
        place: the file of the rows, for errors.

    """

    name: str
    settings: Settings
    rows: Sequence[Row]
    corpus: Sequence[str] = ()
    evaluation: Sequence[Row] = field(default=())
    place: str = ""

    def query(self, row: Row) -> str:
        """A row's query as the model reads it."""
        return self.settings.instruction_query.replace("{task}", row.task or "") + row.query

    def document(self, text: str, row: Row) -> str:
        """A document of a row as the model reads it."""
        return self.settings.instruction_document.replace("{task}", row.task or "") + text


def read_kind(folder: Path, name: str, changes: dict[str, Any], place: str) -> Settings:
    """The settings of a kind of task, with some changed.

    Args:
        folder: a YAML file a kind.
        name: of the kind.
        changes: values by the kind's keys.
        place: what names the kind, for errors.

    Raises:
        UserError: no such kind, or a value that a kind cannot have.

    """
    path = folder / f"{name}.yaml"
    if not path.is_file():
        known = ", ".join(sorted(file.stem for file in folder.glob("*.yaml"))) or "none"
        raise UserError(
            f"{place}: no kind or family of tasks is called {name!r} in {folder}; there are {known}"
        )
    try:
        values = yaml.safe_load(path.read_text(encoding="utf-8"))
    except yaml.YAMLError as error:
        raise UserError(f"{path}: not YAML ({' '.join(str(error).split())})") from error
    try:
        return Settings.model_validate({**values, **changes})
    except ValidationError as error:
        fault = error.errors()[0]
        key = ".".join(map(str, fault["loc"])) or "set"
        said = "no such value" if fault["type"] == "extra_forbidden" else fault["msg"]
        changed = not fault["loc"] or fault["loc"][0] in changes
        raise UserError(f"{place if changed else path}: {key}: {said}") from error


def read_task(folder: Path, entry: TaskEntry, kinds: Path) -> Task:
    """Reads the folder of a task that the parameters name."""
    place = f"params.yaml: tasks.rows: {entry.name}"
    settings = read_kind(kinds, entry.kind, entry.set, place)
    if not (folder / ROWS).is_file():
        raise UserError(
            f"{place}: {folder / ROWS}: no such file; bring rows with make import-rows "
            f"NAME={entry.name} ROWS=file"
        )
    corpus = None
    if (folder / CORPUS).is_file():
        corpus = read_texts(folder / CORPUS, settings.key_template)
    evaluation: list[Row] = []
    if (folder / EVALUATION).is_file():
        evaluation = read_rows(folder / EVALUATION, corpus)
    rows = read_rows(folder / ROWS, corpus)
    return Task(entry.name, settings, rows, corpus or (), evaluation, str(folder / ROWS))


def read_families(folder: Path, kinds: Path) -> list[Task]:
    """The families of examples in a folder, a task each, sorted by name."""
    if not folder.is_dir():
        raise UserError(f"{folder}: no such folder; run dvc repro")
    return [
        Task(
            path.stem,
            read_kind(kinds, path.stem, {}, f"{path}:1"),
            read_rows(path),
            place=str(path),
        )
        for path in sorted(folder.glob("*.jsonl"))
        if path.stat().st_size
    ]


def named_task(folder: Path, name: str, tasks: Tasks, kinds: Path) -> Task:
    """Reads a task by its name among those that the parameters list.

    Raises:
        UserError: none of them has that name.

    """
    entry = next((entry for entry in tasks.rows if entry.name == name), None)
    if entry is None:
        known = ", ".join(sorted(entry.name for entry in tasks.rows)) or "none"
        raise UserError(
            f"params.yaml: tasks.rows: no task is called {name!r} in {folder}; "
            f"there are {known}, so add "
            f"{{name: {name}, kind: KIND, set: {{}}}}"
        )
    return read_task(folder / name, entry, kinds)
