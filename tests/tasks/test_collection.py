"""The collection as rows and as a task, by hand."""

from pathlib import Path

import pytest

from stages.lib.core.collection import Corpus, Document, Split
from stages.lib.core.examples import Example, Mined, write_mined
from stages.lib.encoder_params import Encoder
from stages.lib.errors import UserError
from stages.lib.params import read_params
from stages.lib.tasks.collection import collection_task, evaluation_rows, learning_rows
from stages.lib.tasks.groups import groups
from tests.conftest import Change
from tests.imports import ROOT

KINDS = ROOT / "stages" / "presets" / "tasks"
CORPUS: Corpus = {
    "a": Document("a", "Apple", "a red apple"),
    "b": Document("b", "", "a blue bus"),
    "c": Document("c", "Car", "a car"),
}
MINED = [Example("q1", "what is red", {"a": 2.0, "c": 0.5, "b": -1.0}, ("a",), ("b", "c"))]
JUDGED = Split(
    {"d1": "what drives", "d2": "nothing", "d3": "not judged"},
    {"d1": {"c": 1, "b": 2, "a": 0}, "d2": {"a": 0}},
)
E5 = Encoder(max_length=32, query_prefix="query: ", document_prefix="passage: ")


def test_rows_hold_places_scores_and_answers() -> None:
    (row,) = learning_rows(MINED, CORPUS, {"q1": ["an apple"], "other": ["nothing"]})
    assert row.dump() == {
        "query": "what is red",
        "pos": ["Apple a red apple"],
        "neg": ["a blue bus", "Car a car"],
        "pos_index": [0],
        "neg_index": [1, 2],
        "teacher_scores": [2.0, -1.0, 0.5],
        "answers": ["an apple"],
        "task": "qa",
        "query_id": "q1",
    }
    (row,) = evaluation_rows(JUDGED, CORPUS, {}, {"d1": {"a": 3.0, "c": 2.0, "b": 1.0}}, 2)
    assert row.pos_index == [1, 2]
    assert (row.key, row.key_index) == (["Apple a red apple", "Car a car"], [0, 2])
    assert row.answers is None


def test_the_task_has_the_encoders_prefixes_and_the_teachers_scores(tmp_path: Path) -> None:
    write_mined(tmp_path, Mined("fusion", MINED, [], []), CORPUS)
    task = collection_task(tmp_path, CORPUS, JUDGED, KINDS, E5)
    (row,) = task.evaluation
    assert row.pos == ["a blue bus", "Car a car"]
    (group,) = groups(task, task.rows, 4, 8, 13)
    assert group.task == 4
    assert group.query == "query: what is red"
    assert group.documents[0] == "passage: Apple a red apple"
    taught = dict(zip(group.documents, group.teacher, strict=True))
    assert taught["passage: Car a car"] == 0.5
    assert taught["passage: a blue bus"] == -1.0


def test_no_other_task_has_its_name(with_params: Change) -> None:
    rows = [{"name": "collection", "kind": "qa", "set": {}}]
    with_params({"tasks.rows": rows})
    with pytest.raises(UserError, match="a task is called 'collection'"):
        with_params({"tasks.rows": rows, "tasks.collection": "data/mined"})
    with pytest.raises(UserError, match=r"tasks\.collection: .*data/mined"):
        with_params({"tasks.collection": "elsewhere"})
    assert read_params(ROOT / "params.yaml").tasks.collection == "data/tasks"
