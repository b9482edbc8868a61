"""Which of a row's documents train."""

import pytest

from stages.lib.errors import UserError
from stages.lib.tasks.groups import check_taught, choose, groups
from stages.lib.tasks.rows import Row
from stages.lib.tasks.task import Task, read_kind
from stages.lib.tasks_params import Settings
from tests.imports import ROOT

KINDS = ROOT / "stages" / "presets" / "tasks"


def kind(name: str, **changes: object) -> Settings:
    return read_kind(KINDS, name, changes, "test")


ROW = Row(query="q", pos=["p0", "p1"], neg=["n2", "n3", "n4"], teacher_scores=[-3, -2, -5, -1, -4])


@pytest.mark.parametrize(
    ("changes", "chosen"),
    [
        # the positive first, the others by descending score
        ({"positive": "first", "negatives": "first"}, [0, 3, 2]),
        ({"positive": "teacher_positive", "negatives": "first"}, [1, 3, 2]),
        ({"positive": "first", "negatives": "teacher_best"}, [0, 3, 4]),
        ({"positive": "first", "negatives": "teacher_worst"}, [0, 4, 2]),
        ({"positive": "teacher", "negatives": "teacher_best"}, [3, 4, 2]),
    ],
)
def test_the_settings_choose(changes: dict[str, object], chosen: list[int]) -> None:
    found = choose(ROW, kind("qa", **changes), 3, seed=1)
    scores = tuple((ROW.teacher_scores or [])[at] for at in chosen)
    assert found == (chosen, scores)


def test_rows_whose_scores_say_too_little_are_left_out() -> None:
    assert choose(ROW, kind("qa", margin=4.0), 3, seed=1) is not None
    assert choose(ROW, kind("qa", margin=4.1), 3, seed=1) is None
    assert choose(ROW, kind("qa", least_score=-0.9), 3, seed=1) is None


def test_random_choice_follows_the_row_alone() -> None:
    rows = [Row(query=f"q{at}", pos=["a", "b", "c"], neg=["d", "e", "f"]) for at in range(20)]
    settings = kind("icl", contrastive_weight=1)
    found = groups(Task("t", settings, rows), rows, 0, 3, seed=5)
    assert len({group.documents for group in found}) > 5
    assert groups(Task("t", settings, rows[7:]), rows[7:], 0, 3, seed=5) == found[7:]


def test_a_memory_has_its_positive_from_the_teacher() -> None:
    row = Row(query="q", history=["a", "b", "c"], teacher_scores=[-2, -1, -3])
    assert choose(row, kind("chat"), 8, seed=1) == ([1, 0, 2], (-1, -2, -3))


def test_texts_that_answer_are_no_negatives_and_instructions_stand_before() -> None:
    row = Row(query="q", pos=["a", "b"], neg=["b", "c"], task="find it")
    (group,) = groups(Task("t", kind("short-long"), [row]), [row], 0, 8, seed=1)
    assert group.query == "Instruct: find it\nQuery: q"
    assert group.documents == ("a", "c")
    assert group.answers == {"a", "b"}


def test_graded_and_other_rows_do_not_mix() -> None:
    rows = [Row(query="q", pos=["a"], score=0.5), Row(query="q", pos=["a"])]
    with pytest.raises(UserError, match="place:2: no score, unlike the rows before"):
        check_taught(Task("t", kind("similarity"), rows, place="place"))


def test_no_more_rows_train_than_are_wanted_drawn_by_hash() -> None:
    rows = [Row(query=f"q{number}", pos=["p"], neg=["n"]) for number in range(9)]

    def drawn(most: int) -> list[str]:
        task = Task("t", kind("qa", most_rows=most), rows)
        return [group.query for group in groups(task, rows, 0, 2, seed=1)]

    everything, some, fewer = drawn(0), drawn(4), drawn(2)
    assert len(everything) == 9
    assert (len(some), len(fewer)) == (4, 2)
    # in the order of the rows, and the larger draw holds the smaller
    assert some == [query for query in everything if query in some]
    assert set(fewer) < set(some)
