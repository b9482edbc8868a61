"""Answers that are heard while they come in, from the scripted endpoint."""

from itertools import pairwise
from pathlib import Path

import pytest

from stages.lib.answering.passages import PassagePrompts, Statement, said
from stages.lib.core.collection import Document
from stages.lib.errors import UserError
from stages.lib.llm.asked import Asked
from stages.lib.llm.session import Session
from tests.conftest import Change
from tests.imports import ROOT
from tests.llm.server import Server

CORPUS = {"a": Document("a", "Apples", "An apple is a fruit that is red.")}


def ask(change: Change, folder: Path, heard: list[str]) -> Asked[Statement]:
    params = change({"llm.provider": "openai"})
    session = Session(CORPUS, params, folder / "ask.jsonl", "ask", heard.append)
    question = PassagePrompts(ROOT / "stages/prompts", params.llm).answer("what", [CORPUS["a"]])
    asked = session.ask([question], 1)
    session.save()
    return asked


def test_an_answer_grows_and_is_stored_as_any_other(
    server: Server, with_params: Change, tmp_path: Path
) -> None:
    heard: list[str] = []
    asked = ask(with_params, tmp_path, heard)
    assert len(heard) > 5
    assert all(later.startswith(earlier) for earlier, later in pairwise(heard))
    assert said(heard[-1]) == CORPUS["a"].text
    assert asked.answers["what"][0]["000"] == Statement(CORPUS["a"].text, [1])
    assert min(asked.prompt_tokens, asked.completion_tokens) > 0, "a stream's tokens are counted"
    assert asked.spent > 0
    again: list[str] = []
    assert ask(with_params, tmp_path, again).answers == asked.answers
    assert (again, server.stats["calls"]) == ([], 1), "a stored answer is not asked for again"


@pytest.mark.parametrize("fault", ["no_stream", "server_error", "drop_stream"])
def test_an_endpoint_that_cannot_stream_or_fails_once_answers_all_the_same(
    server: Server, with_params: Change, tmp_path: Path, fault: str
) -> None:
    server.script = [fault]
    heard: list[str] = []
    asked = ask(with_params, tmp_path, heard)
    assert asked.answers["what"][0]["000"].text == CORPUS["a"].text
    assert (not heard) == (fault == "no_stream")


def test_the_budget_holds_for_streams(
    server: Server,
    with_params: Change,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("EMBEDSMITH_BUDGET", "0.0001")
    with pytest.raises(UserError, match="EMBEDSMITH_BUDGET"):
        ask(with_params, tmp_path, [])
    assert server.stats["calls"] == 0


@pytest.mark.parametrize(
    ("text", "statements"),
    [
        ("", ""),
        ('```json\n{"statements": [{"te', ""),
        ('{"statements": [{"text": "An app', "An app"),
        ('{"statements": [{"text": "One.", "doc_ids": ["a"]}, {"text": "Tw', "One. Tw"),
        ("[1]", ""),
    ],
)
def test_what_is_said_so_far(text: str, statements: str) -> None:
    assert said(text) == statements
