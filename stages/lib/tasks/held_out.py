"""Which rows of a task train, and which measure."""

from collections.abc import Sequence

from stages.lib.core import seeds
from stages.lib.tasks.rows import Row
from stages.lib.tasks.task import Task


def split(task: Task, share: float, seed: int) -> tuple[Sequence[Row], Sequence[Row]]:
    """The rows to learn from, and those to measure by.

    The latter are the task's own where it has some; else a share of its rows, drawn by hash. Rows
    of the same query stay together.
    """
    if task.evaluation:
        return task.rows, task.evaluation
    sides: tuple[list[Row], list[Row]] = ([], [])
    for row in task.rows:
        drawn = seeds.share(seed, "held out", task.name, row.query) < share
        sides[drawn].append(row)
    return sides
