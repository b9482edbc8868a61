"""Training rows out of the examples of tasks, and how many there are."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from stages.lib.core import seeds
from stages.lib.core.files import read_jsonl
from stages.lib.core.hashes import text_hash
from stages.lib.core.text import words
from stages.lib.errors import UserError
from stages.lib.synthetic.families import FAMILIES, Example, Pair
from stages.lib.synthetic.tasks import Task

Row = dict[str, Any]
"""A row as LLM-Embedder has them: query, pos, neg, task, family, id; some have a score, 0 to 1."""

SHOWN = 3
"""Rows of a family that the metrics show."""


def rows(
    tasks: Iterable[Task], answers: Mapping[str, Iterable[Mapping[str, Example]]]
) -> tuple[dict[str, list[Row]], dict[str, int]]:
    """The rows of each family, sorted by id, and how many of it were left out as repeated.

    Args:
        tasks: that were asked about.
        answers: the examples by name, of each question about a task, by the task's sentence.

    """
    found: dict[str, dict[str, tuple[tuple[str, ...], Row]]] = {}
    for task in tasks:
        family = FAMILIES[task.family]
        for part in answers.get(task.text, []):
            for example in part.values():
                for pair in family.pairs(example):
                    row = _row(task, pair)
                    found.setdefault(task.family, {})[row["id"]] = (family.key(pair), row)
    kept: dict[str, list[Row]] = {}
    repeated: dict[str, int] = {}
    for name, by_id in sorted(found.items()):
        first: dict[tuple[str, ...], Row] = {}
        for _, (key, row) in sorted(by_id.items()):
            first.setdefault(key, row)
        kept[name] = list(first.values())
        repeated[name] = len(by_id) - len(first)
    return kept, repeated


def read_families(folder: Path) -> dict[str, list[Row]]:
    """The rows of each family that a folder has a file of.

    Raises:
        UserError: there is none.

    """
    found = {
        path.stem: [row for _, row in read_jsonl(path)] for path in sorted(folder.glob("*.jsonl"))
    }
    if not found:
        raise UserError(
            f"{folder}: no examples; set brainstorm.families and run dvc repro examples"
        )
    return found


def counts(by_family: Mapping[str, Sequence[Row]], repeated: Mapping[str, int]) -> dict[str, Any]:
    """What there is of each family: rows, tasks with any, negatives, words of the two sides."""
    return {
        name: {
            "rows": len(some),
            "tasks": len({row["task"] for row in some}),
            "negatives": sum(len(row["neg"]) for row in some),
            "repeated": repeated[name],
            "query_words": _mean([row["query"] for row in some]),
            "positive_words": _mean([row["pos"][0] for row in some]),
        }
        for name, some in by_family.items()
    }


def shown(by_family: Mapping[str, Sequence[Row]], seed: int) -> list[Row]:
    """Rows of each family, drawn by hash."""
    drawn: list[Row] = []
    for some in by_family.values():
        by_id = {row["id"]: row for row in some}
        drawn += [by_id[each] for each in seeds.shuffled(seed, by_id, "shown")[:SHOWN]]
    return drawn


def _row(task: Task, pair: Pair) -> Row:
    texts = (pair.query, pair.positive, *pair.negatives)
    identifier = text_hash(task.family, task.text, *texts, digits=16)
    row: Row = {
        "query": pair.query,
        "pos": [pair.positive],
        "neg": list(pair.negatives),
        "task": task.text,
        "family": task.family,
        "id": f"ex-{identifier}",
    }
    return row if pair.score is None else row | {"score": pair.score}


def _mean(texts: Sequence[str]) -> float:
    return round(sum(len(words(text)) for text in texts) / len(texts), 1)
