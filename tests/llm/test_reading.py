"""Whole answers, whatever stands around and beside them, and rows of other versions."""

import json
from pathlib import Path
from typing import Any

import orjson
import pytest

from stages.lib.llm.answers import Fault, Queries, Rules, read
from stages.lib.llm.messages import Rejection, Response
from stages.lib.llm.storage.store import Store
from tests.llm.storage.test_store import request, response

ITEMS = [{"type": "a", "text": "one [1]"}, {"type": "b", "text": 'two "}" {'}]
WHOLE = {"queries": ITEMS}
TEXT = json.dumps(WHOLE)


def reading(text: str, finish: str = "stop") -> Any:
    return read(Response(text, finish, None, "m", 1, 1), Queries(["a", "b"], 100))


@pytest.mark.parametrize(
    "text",
    [
        TEXT,
        f'<think>\nThe user wants {{"queries": ...}}.\n</think>\n\n{TEXT}',
        f'<think>Maybe {{"queries": [{{"type": "a", "text": "draft"}}]}}?</think>{TEXT}',
        f"Fine.\n</think>\n{TEXT}",
        f"<think>{TEXT}</think>",
        f"Sure [1], here they are:\n\n```json\n{json.dumps(WHOLE, indent=1)}\n```\nMore?",
        f"{TEXT}\n\nI hope {{that}} helps!",
        f"{TEXT}<|im_end|>",
        f"\ufeff{TEXT}",
        f"~~~json\n{TEXT}\n~~~",
        f"```json {TEXT} ```",
        f"```json\r\n{TEXT}\r\n```",
        json.dumps(ITEMS),
        f"Here: {json.dumps(ITEMS)}",
        json.dumps({"reasoning": ["short"], **WHOLE}),
        json.dumps({"queries": [{**each, "why": "x"} for each in ITEMS]}),
        json.dumps({"Queries": [{**each, "type": each["type"].upper()} for each in ITEMS]}),
        TEXT.replace("}]", "},]"),
        repr(WHOLE),
        f"{TEXT}\n{TEXT}",
    ],
)
def test_a_whole_answer_counts_wherever_it_stands(text: str) -> None:
    found = reading(text)
    assert found.parts == {"a": "one [1]", "b": 'two "}" {'}
    assert found.faults == frozenset()


@pytest.mark.parametrize(
    ("text", "finish", "fault"),
    [
        ("I cannot.", "stop", Fault.NOT_JSON),
        ('{"answer": 3}', "stop", Fault.OFF_SCHEMA),
        ("[1, 2]", "stop", Fault.OFF_SCHEMA),
        ("[" * 100_000, "stop", Fault.NOT_JSON),
        ("<think>and so on", "length", Fault.TRUNCATED),
    ],
)
def test_what_is_no_answer(text: str, finish: str, fault: Fault) -> None:
    found = reading(text, finish)
    assert (found.parts, found.faults) == ({}, {fault})


def test_what_is_whole_of_a_cut_answer_in_prose() -> None:
    found = reading(f"Here:\n```json\n{TEXT[:-20]}", "length")
    assert found.parts == {"a": "one [1]"}
    assert found.faults == {Fault.TRUNCATED}


def test_rules_as_a_bare_list() -> None:
    answer = Response('["short", "plain"]', "stop", None, "m", 1, 1)
    assert list(read(answer, Rules()).parts.values()) == ["short", "plain"]


@pytest.mark.parametrize(
    ("held", "there"),
    [
        ({"response": {"text": "t", "of a later version": 1}}, True),
        ({"response": {"text": 3}}, False),
        ({"response": "t"}, False),
        ({"answer": {}}, False),
    ],
)
@pytest.mark.parametrize("end", [b"\n", b"\r\n"])
def test_rows_are_read_by_name(
    tmp_path: Path, held: dict[str, object], there: bool, end: bytes
) -> None:
    row = orjson.dumps({"key": request().key, "subject": "d1"} | held)
    (tmp_path / "out.jsonl").write_bytes(row + end)
    store = Store(tmp_path / "out.jsonl", tmp_path / "journal.db")
    found = store.get(request())
    assert (isinstance(found, Response) and found.text == "t") == there
    assert len(list(store.rows())) == there
    if not there:
        store.journal.put(request().key, row)
        assert store.put(request(), response()) == response(), "it takes the place of the row"
        store.save()
        assert Store(tmp_path / "out.jsonl", tmp_path / "none.db").get(request()) == response()


def test_a_refusal_is_a_row_of_its_own(tmp_path: Path) -> None:
    store = Store(tmp_path / "out.jsonl", tmp_path / "journal.db")
    store.reject(request(), "too long")
    store.save()
    again = Store(tmp_path / "out.jsonl", tmp_path / "none.db")
    assert again.get(request()) == Rejection("too long")
    assert list(again.rows()) == []
