import numpy as np

from stages.lib.core.collection import Split
from stages.lib.judged.drawing import DevQueries, additions, drawn_documents, nearest, pools
from stages.lib.judged.verdict import counts, fault, judged_split


def test_a_neighbour_is_another_document_and_no_copy() -> None:
    vectors = np.array([[1, 0], [1, 0], [0.8, 0.6], [0, 1]], np.float32)
    groups = {"a": ["a", "copy of a"], "d": ["d"]}
    found = nearest(groups, ["a", "copy of a", "c", "d"], vectors)
    assert found == {"a": "c", "d": "c"}
    assert nearest({"a": ["a"]}, ["a"], vectors[:1]) == {}, "there is no other"


def test_copies_are_drawn_once() -> None:
    asked = Split(
        {"q1": "x", "q2": "y", "q3": "z"},
        {"q1": {"b": 1, "a": 1}, "q2": {"a": 1, "b": 1}, "q3": {"c": 1}},
    )
    assert drawn_documents(asked, 9, seed=1) == {"a": ["a", "b"], "c": ["c"]}
    assert len(drawn_documents(asked, 1, seed=1)) == 1


def test_a_pool_is_the_first_documents_of_each_system_and_the_source() -> None:
    run = {"q": {"a": 3.0, "b": 2.0, "c": 1.0}}
    other = {"q": {"b": 9.0, "d": 8.0, "a": 7.0}}
    found = pools({"q": "x"}, [run, other], {"q": ["z"]}, 2, seed=1)
    assert sorted(found["q"]) == ["a", "b", "d", "z"]
    assert found == pools({"q": "x"}, [other, run], {"q": ["z"]}, 2, seed=1)


def dev_queries() -> DevQueries:
    dev = DevQueries()
    for name in ("q1", "q2", "q3"):
        dev.add(name, f"text of {name}", "vague" if name == "q1" else "asked", [name.upper()])
    return dev


def test_gains_are_grades_from_two_on() -> None:
    dev = dev_queries()
    grades = {
        "q1": {"Q1": 3, "x": 2, "y": 1, "z": 0},
        "q2": {"Q2": 1, "x": 1},
        "someone's": {"x": 3},
    }
    split = judged_split(dev, grades)
    assert split.queries == {"q1": "text of q1"}
    assert split.qrels == {"q1": {"Q1": 3, "x": 2, "y": 0, "z": 0}}
    assert counts(dev, grades, split) == {
        "drawn": 3,
        "judged": 2,
        "usable": 1,
        "by_type": {"asked": {"drawn": 2, "usable": 0}, "vague": {"drawn": 1, "usable": 1}},
        "documents": 6,
        "grades": {"0": 1, "1": 3, "2": 1, "3": 1},
        "source_relevant": 0.5,
    }
    assert fault(dev, grades, split).startswith("a document is relevant for 1 of 3 queries")


def test_one_grade_for_all_tells_nothing() -> None:
    dev = dev_queries()
    grades = {name: dict.fromkeys("abc", 2) for name in ("q1", "q2", "q3")}
    assert fault(dev, grades, judged_split(dev, grades)) == (
        "the judge gave the grade 2 to all of 9 documents"
    )


def test_additions_are_what_further_systems_find_alone() -> None:
    run = {"q": {"a": 3.0, "d": 2.0, "e": 1.0}, "r": {"a": 1.0}}
    other = {"q": {"f": 9.0, "a": 8.0, "g": 7.0}, "r": {"b": 1.0}}
    found = additions({"q": ["a", "b"], "r": ["a", "b"]}, [run, other], 2, seed=1)
    assert sorted(found["q"]) == ["d", "f"]
    assert found["r"] == []
