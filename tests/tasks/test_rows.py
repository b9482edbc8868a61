"""Rows of LLM-Embedder's form, in and out."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from stages.lib.errors import UserError
from stages.lib.tasks.rows import Row, read_rows, write_rows
from stages.lib.tasks.texts import read_texts, write_texts

TEXTS = st.lists(st.text(max_size=20), max_size=3)
SCORES = st.floats(-50, 50, allow_nan=False)
CORPUS = [f"document {number}" for number in range(6)]


@st.composite
def rows(draw: st.DrawFn) -> dict[str, Any]:
    """A row with any of the keys, where those that belong together agree."""
    row: dict[str, Any] = {"query": draw(st.text(max_size=20))}
    for name in draw(st.sets(st.sampled_from(["pos", "neg", "key"]))):
        row[name] = draw(TEXTS)
        if draw(st.booleans()):
            count = len(row[name])
            row[f"{name}_index"] = draw(
                st.lists(st.integers(0, len(CORPUS) - 1), min_size=count, max_size=count)
            )
    if draw(st.booleans()):
        row["answers"] = draw(TEXTS)
    if draw(st.booleans()):
        scored = len(row.get("pos", [])) + len(row.get("neg", []))
        if not {"pos", "neg"} & set(row):
            scored = len(row.get("key", []))
        row["teacher_scores"] = draw(st.lists(SCORES, min_size=scored, max_size=scored))
    for name, values in (("query_id", st.integers()), ("context", st.text(max_size=9))):
        if draw(st.booleans()):
            row[name] = draw(values)
    return row


@given(st.lists(rows(), min_size=1, max_size=4))
@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_rows_come_back_as_they_were(tmp_path: Path, values: list[dict[str, Any]]) -> None:
    path, again = tmp_path / "rows.json", tmp_path / "again.json"
    path.write_text("".join(json.dumps(value) + "\n" for value in values), encoding="utf-8")
    write_rows(again, read_rows(path, CORPUS))
    found = [json.loads(line) for line in again.read_text(encoding="utf-8").split("\n")[:-1]]
    for value, back in zip(values, found, strict=True):
        texts = {"pos", "neg", "key"} & set(back) - set(value)
        assert {key: back[key] for key in back if key not in texts} == value


@given(st.lists(st.text(max_size=20).map(str.strip), min_size=1, max_size=4))
@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_a_corpus_comes_back_as_it_was(tmp_path: Path, texts: list[str]) -> None:
    write_texts(tmp_path / "corpus.jsonl", texts)
    assert read_texts(tmp_path / "corpus.jsonl", "{text}") == texts


def write(folder: Path, *lines: dict[str, Any]) -> Path:
    path = folder / "rows.jsonl"
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return path


def test_texts_come_from_the_corpus_where_indices_alone_are_given(tmp_path: Path) -> None:
    path = write(tmp_path, {"query": "q", "pos_index": [2], "neg_index": [0, 5]})
    (row,) = read_rows(path, CORPUS)
    assert row.candidates == ["document 2", "document 0", "document 5"]


def test_missing_and_null_are_the_same(tmp_path: Path) -> None:
    path = write(tmp_path, {"query": "q", "pos": ["d"], "neg": None, "answers": None})
    assert read_rows(path) == [Row(query="q", pos=["d"])]


def test_a_memory_is_scored_by_what_was_said_before(tmp_path: Path) -> None:
    path = write(tmp_path, {"query": "q", "history": ["a", "b"], "teacher_scores": [-1, -2.5]})
    assert read_rows(path)[0].candidates == ["a", "b"]


@pytest.mark.parametrize(
    ("row", "fault"),
    [
        ({"pos": ["d"]}, "query: missing"),
        ({"query": 7}, "query: Input should be a valid string"),
        ({"query": "q", "pos": "d"}, "pos: Input should be a valid list"),
        ({"query": "q", "pos_index": [6]}, "pos_index: 6 is beyond the corpus, which has 6 "),
        ({"query": "q", "neg_index": [-1]}, "neg_index.0: Input should be greater than or equal"),
        ({"query": "q", "pos": ["d"], "pos_index": [1, 2]}, "pos has 1 documents, and pos_index 2"),
        (
            {"query": "q", "pos": ["d"], "neg": ["e"], "teacher_scores": [0.5]},
            "teacher_scores has 1 numbers for the 2 documents of pos and neg together",
        ),
        (
            {"query": "q", "history": ["d"], "teacher_scores": [1, 2]},
            "teacher_scores has 2 numbers for the 1 documents of history",
        ),
        ({"query": "q", "score": 3}, "score: Input should be less than or equal to 1"),
    ],
)
def test_a_fault_is_told_with_its_line(tmp_path: Path, row: dict[str, Any], fault: str) -> None:
    path = write(tmp_path, {"query": "fine", "pos_index": [5]}, row)
    with pytest.raises(UserError) as error:
        read_rows(path, CORPUS)
    assert str(error.value).startswith(f"{path}:2: {fault}")
    assert "\n" not in str(error.value)


def test_a_file_without_rows_is_a_fault(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"rows\.jsonl: no rows"):
        read_rows(write(tmp_path))


def test_a_corpus_names_the_field_that_it_lacks(tmp_path: Path) -> None:
    path = write(tmp_path, {"title": "a", "text": "b"}, {"text": "c"})
    with pytest.raises(UserError, match=r"rows\.jsonl:2: 'title' is missing"):
        read_texts(path, "{title} {text}")
    with pytest.raises(UserError, match="key_template: '{text.upper}' names no fields"):
        read_texts(path, "{text.upper}")
