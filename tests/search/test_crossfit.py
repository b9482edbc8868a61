import numpy as np

from stages.lib.core.collection import Split
from stages.lib.search.crossfit import FOLDS, Search, by_document, deal
from stages.lib.search.engine import Known

ASKED = Split(
    {"q1": "one", "q2": "two", "q3": "three", "q4": "four", "q5": "alone"},
    {**{name: {"a": 1} for name in ("q1", "q2", "q3", "q4")}, "q5": {"b": 1, "copy": 1}},
)


def test_queries_of_a_document_are_dealt_into_different_folds() -> None:
    assert deal(ASKED) == {"one": 0, "two": 1, "three": 2, "four": 0, "alone": 0}
    assert FOLDS == 3


def test_a_fold_is_left_out() -> None:
    folds = deal(ASKED)
    assert by_document(ASKED, folds, without=0) == {"a": ["two", "three"]}
    assert by_document(ASKED, folds) == {
        "a": ["one", "two", "three", "four"],
        "b": ["alone"],
        "copy": ["alone"],
    }


def test_a_query_meets_the_documents_that_it_is_no_part_of() -> None:
    texts = {text: np.array([1.0], np.float32) for text in ("one", "two", "else")}
    parts = [Known(["a"], np.array([[value]], np.float32), texts) for value in (0.1, 0.2, 0.9)]
    search = Search(parts, {"one": 0, "two": 1})
    scores = search.by(lambda dense: dense).scores(["two", "else", "one"])
    assert scores.tolist() == np.array([[0.2], [0.9], [0.1]], np.float32).tolist()
    assert Search(parts[2:]).by(lambda dense: dense) is parts[2]
