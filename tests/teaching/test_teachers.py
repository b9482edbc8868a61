"""Which teacher teaches."""

from stages.lib.core.collection import Queries, Split
from stages.lib.search.engine import Run
from stages.lib.teaching.teachers import choose_teacher

NAMES = [f"q{number}" for number in range(8)]
DEV = Split(dict.fromkeys(NAMES, "text"), {name: {"a": 1} for name in NAMES})
RIGHT: Run = {name: {"a": 2.0, "b": 1.0} for name in NAMES}
WRONG: Run = {name: {"b": 2.0, "a": 1.0} for name in NAMES}


class Given:
    """A teacher with a given ranking."""

    def __init__(self, name: str, run: Run) -> None:
        self.name = name
        self._run = run

    def rank(self, queries: Queries) -> Run:
        return {query_id: self._run[query_id] for query_id in queries}


def chosen(dev: Split = DEV, **runs: Run) -> str:
    return choose_teacher([Given(name, run) for name, run in runs.items()], dev).teacher.name


def test_the_fusion_teaches_unless_the_base_is_better() -> None:
    assert chosen(base=WRONG, fusion=RIGHT) == "fusion"
    assert chosen(base=RIGHT, fusion=WRONG) == "base"
    assert chosen(base=RIGHT, fusion=RIGHT) == "fusion"
    assert chosen(Split(), base=RIGHT, fusion=WRONG) == "fusion"
    # one query of eight is within a standard error
    assert chosen(base=WRONG | {"q0": RIGHT["q0"]}, fusion=WRONG) == "fusion"


def test_each_dearer_teacher_has_to_beat_what_would_teach_without_it() -> None:
    assert chosen(base=WRONG, fusion=WRONG, dear=RIGHT) == "dear"
    assert chosen(base=RIGHT, fusion=WRONG, dear=RIGHT) == "base"
    assert chosen(base=WRONG, fusion=RIGHT, dear=RIGHT) == "fusion"
    assert chosen(base=WRONG, fusion=WRONG, dear=RIGHT, dearer=RIGHT) == "dear"
    assert chosen(base=WRONG, fusion=WRONG, dear=WRONG, dearer=RIGHT) == "dearer"


def test_the_values_that_spoke_for_it_are_told() -> None:
    teachers = [Given("base", WRONG), Given("fusion", RIGHT)]
    assert choose_teacher(teachers, DEV).by_teacher == {"base": 0.63093, "fusion": 1.0}
    assert choose_teacher(teachers, Split()).by_teacher == {}
