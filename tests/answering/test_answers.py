"""Which questions are asked, and what counts of an answer without a language model."""

from stages.lib.answering.answers import Answer, drawn
from stages.lib.answering.measures import measured
from stages.lib.core.collection import Split

SPLIT = Split(
    {"a": "how?", "b": "why?", "c": "how?", "d": "when?"},
    {"a": {"x": 1}, "b": {"x": 2}, "c": {"y": 1}, "d": {"x": 0}},
)


def test_questions_are_drawn_once_each_of_those_with_a_reference() -> None:
    assert set(drawn(SPLIT, {"b": ["so"], "d": ["now"]}, 0, seed=1)) == {"b"}
    # without references all that have an answer; "how?" stands there twice
    found = drawn(SPLIT, {}, 0, seed=1)
    assert sorted(SPLIT.queries[query_id] for query_id in found) == ["how?", "why?"]
    assert drawn(SPLIT, {}, 1, seed=1) == found[:1]


def test_what_rests_on_nothing_is_no_answer() -> None:
    answers = {
        "a": Answer("so", ("x", "y"), ("y",)),
        "b": Answer("I do not know", ("y",), ()),
    }
    found = measured(answers, {"a": ["so"], "b": ["so"]}, SPLIT.qrels, ["a", "b"])
    assert found["answered"] == {"a": 1.0, "b": 0.0}
    assert found["context_hit"] == {"a": 1.0, "b": 0.0}
