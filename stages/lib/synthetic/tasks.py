"""Tasks that a language model thought up."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from stages.lib.core.files import read_jsonl, write_jsonl
from stages.lib.core.text import jaccard, normal
from stages.lib.errors import UserError
from stages.lib.synthetic.families import FAMILIES

NEAR = 0.8
"""Tasks of one family that have this share of their words in common are one task."""


@dataclass(frozen=True, slots=True)
class Task:
    """A family, and the sentence that tells an embedding model what to find."""

    family: str
    text: str


def distinct(
    answers: Mapping[str, Iterable[Mapping[str, str]]], families: Sequence[str], most: int
) -> tuple[list[Task], dict[str, Any]]:
    """The tasks, without what is there already, and their counts.

    A task's sentence tells the embedding model what to find, so that it stands in one family alone.

    Args:
        answers: tasks by their normal form, for each list of a family, by family (see `Writer`).
        families: in the order of the parameters.
        most: tasks of a family.

    """
    tasks: list[Task] = []
    seen: set[str] = set()
    repeated: Counter[str] = Counter()
    for name in families:
        mine: list[str] = []
        lists = sorted(each for each in answers if each.partition(",")[0] == name)
        for text in (text for one in lists for part in answers[one] for text in part.values()):
            if normal(text) in seen or any(jaccard(text, other) >= NEAR for other in mine):
                repeated[name] += 1
            elif len(mine) < most:
                mine.append(text)
                seen.add(normal(text))
        tasks += [Task(name, text) for text in sorted(mine)]
    counts = Counter(task.family for task in tasks)
    return tasks, {
        "tasks": len(tasks),
        "by_family": {name: counts[name] for name in families},
        "repeated": {name: repeated[name] for name in families},
    }


def write_tasks(path: Path, tasks: Iterable[Task]) -> None:
    """Writes JSONL with `family` and `task`."""
    write_jsonl(path, ({"family": task.family, "task": task.text} for task in tasks))


def read_tasks(path: Path) -> list[Task]:
    """Reads JSONL with `family` and `task`.

    Raises:
        UserError: a line has another form, a family that is none, or a task that came before.

    """
    tasks: dict[str, Task] = {}
    for number, row in read_jsonl(path):
        family, text = row.get("family"), row.get("task")
        if family not in FAMILIES:
            raise UserError(
                f"{path}:{number}: family {family!r} is none; there are {', '.join(FAMILIES)}"
            )
        if not isinstance(text, str) or not normal(text):
            raise UserError(f'{path}:{number}: "task" is missing or not a text')
        if normal(text) in tasks:
            raise UserError(f"{path}:{number}: the task stands in an earlier line; take one out")
        tasks[normal(text)] = Task(family, text)
    return list(tasks.values())
