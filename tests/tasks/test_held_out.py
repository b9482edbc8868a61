"""Which rows of a task measure."""

from stages.lib.tasks.held_out import split
from stages.lib.tasks.rows import Row
from stages.lib.tasks.task import Task, read_kind
from tests.imports import ROOT

SETTINGS = read_kind(ROOT / "stages" / "presets" / "tasks", "qa", {}, "test")


def test_a_share_of_the_queries_is_held_out_with_all_their_rows() -> None:
    rows = [Row(query=f"q{n % 200}", pos=[f"p{n}"], neg=["n"]) for n in range(400)]
    learnt, held_out = split(Task("t", SETTINGS, rows), 0.25, seed=1)
    assert len(learnt) + len(held_out) == len(rows)
    assert not {row.query for row in learnt} & {row.query for row in held_out}
    assert 0.15 < len(held_out) / len(rows) < 0.35


def test_rows_of_its_own_measure_a_task() -> None:
    rows = [Row(query=f"q{n}", pos=["p"], neg=["n"]) for n in range(9)]
    task = Task("t", SETTINGS, rows, evaluation=[Row(query="e", pos_index=[0])])
    assert split(task, 0.5, seed=1) == (rows, task.evaluation)
