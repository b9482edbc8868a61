"""Errors as real servers send them, and whom each concerns."""

import json
import time
from pathlib import Path
from typing import Any

import pytest

from stages.lib.llm.providers.pace import wait_in
from stages.lib.llm.providers.verdict import About, told, verdict
from tests.llm.conftest import Project
from tests.llm.server import REPLIES, Server

SHAPES = [
    json.loads(line) for line in Path(__file__).with_name("errors.jsonl").read_text().splitlines()
]
"""Errors by server: status and body, whom it concerns, and part of the words to be told."""


@pytest.mark.parametrize("shape", SHAPES, ids=[shape["server"] for shape in SHAPES])
def test_whom_an_error_concerns(shape: dict[str, Any]) -> None:
    found = verdict(shape["status"], shape["body"])
    assert found is not None
    assert found.about == About[shape["about"]]
    assert shape["words"] in found.words
    assert "\n" not in found.words


def test_long_words_are_read_in_time_that_grows_with_their_length() -> None:
    start = time.monotonic()
    for body in ("a/" * 500_000, "<" * 500_000, "a.b-" * 200_000, {"error": "x?" * 300_000}):
        assert verdict(500, body) is not None
    assert time.monotonic() - start < 2


def test_an_answer_of_another_status_of_success_is_one() -> None:
    assert verdict(201, {"choices": [{"message": {"content": "x"}}]}) is None


@pytest.mark.parametrize(
    ("words", "seconds"),
    [
        ("Please retry in 37.2s.", 37.2),
        ("Please try again in 1m12.5s. Visit", 72.5),
        ("Try again in 60 seconds.", 60),
        ("please try again in 20ms", 0.02),
        ("Please retry after 6 seconds", 6),
        ("slow down", 0),
    ],
)
def test_words_say_how_long_to_wait(words: str, seconds: float) -> None:
    assert wait_in(words) == pytest.approx(seconds)


@pytest.mark.parametrize(
    ("words", "shown"),
    [
        ("https://h/v1?api-key=hidden failed", "https://h/v1 failed"),
        ("POST /v1/chat/completions?key=hidden&x=1: 500", "POST /v1/chat/completions 500"),
        ("h.example:8000?token=hidden", "h.example:8000"),
        ("wss://me:hidden@h/x?hidden", "wss://h/x"),
        ("'http://h/a?b=hidden'", "'http://h/a"),
        ("the key long-secret-1 is wrong", "the key *** is wrong"),
        ("api-version 2024-06-01 is old. Is it?", "api-version 2024-06-01 is old. Is it?"),
        ("Did you mean gpt-4?", "Did you mean gpt-4?"),
    ],
)
def test_no_query_of_an_address_is_told(
    monkeypatch: pytest.MonkeyPatch, words: str, shown: str
) -> None:
    url = "https://h/v1?api-version=2024-06-01&api-key=long-secret-1"
    monkeypatch.setenv("OPENAI_BASE_URL", url)
    assert told(words) == shown


def refusal(place: list[str]) -> tuple[int, Any]:
    return 422, {"detail": [{"loc": ["body", *place], "msg": "Extra inputs are not permitted"}]}


@pytest.mark.parametrize("mode", ["direct", "batch"])
@pytest.mark.parametrize("place", [["max_completion_tokens"], ["response_format", "type"]])
def test_what_can_be_left_out_is_left_out(
    server: Server,
    llm_project: Project,
    monkeypatch: pytest.MonkeyPatch,
    mode: str,
    place: list[str],
) -> None:
    monkeypatch.setattr("stages.lib.llm.session.POLL", 0.01)
    monkeypatch.setenv("EMBEDSMITH_BATCH_WAIT", "20")
    monkeypatch.setitem(REPLIES, "field", refusal(place))
    llm_project.changes |= {"rules.fixed": ["Short."], "llm.mode": mode}
    llm_project.must("rules")
    server.script = ["field"] * (7 if mode == "batch" else 1)
    llm_project.must("generate")
    assert len(llm_project.queries()) == 14
    assert llm_project.metrics("generate")["rejected"] == 0
    if mode == "direct":
        assert [place[0] in body for body in server.bodies] == [True, *[False] * 7]
    else:
        assert len(server.batches) == 2


def test_a_field_that_every_call_has_stops_the_stage(
    server: Server, llm_project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(REPLIES, "field", refusal(["temperature"]))
    server.script = ["field"] * 9
    message = llm_project.refused("rules")
    assert "refuses temperature in all calls: temperature: Extra inputs are not" in message
    assert message.endswith(
        "; change llm.temperature (null for models that take none) in params.yaml"
    )
    assert server.stats["calls"] == 1
