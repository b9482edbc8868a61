"""Answers on the page, by an endpoint that sends them piece by piece."""

from pathlib import Path

import pytest

from stages.lib.page.asking import Answerer, Reply
from tests.conftest import Change
from tests.imports import ROOT
from tests.llm.server import Server
from tests.page.small import CORPUS
from tests.serving import serving

PRICES = [CORPUS["price"], CORPUS["trial"]]


def answerer(change: Change, folder: Path) -> Answerer:
    params = change({"llm.provider": "openai", "llm.mode": "batch"})
    return Answerer(CORPUS, ROOT / "stages/prompts", folder / "ask.jsonl", params)


def test_an_answer_comes_in_piece_by_piece(
    with_params: Change, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with serving(Server(), monkeypatch, tmp_path / "home"):
        asks = answerer(with_params, tmp_path)
        *pieces, reply = asks.answer("what does it cost", PRICES)
        assert len(pieces) > 3
        assert "".join(map(str, pieces)) == CORPUS["price"].text
        assert isinstance(reply, Reply)
        assert [(each.text, each.numbers) for each in reply.statements] == [
            (CORPUS["price"].text, [1])
        ]
        assert reply.spent > 0
        (stored,) = asks.answer("what does it cost", PRICES)
        assert isinstance(stored, Reply)
        assert (stored.statements, stored.spent) == (reply.statements, 0.0), "it was journalled"


def test_a_fault_ends_the_waiting(
    with_params: Change, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with serving(Server(), monkeypatch, tmp_path / "home") as server:
        server.script = ["wrong_key"]
        (reply,) = answerer(with_params, tmp_path).answer("what", PRICES)
        assert isinstance(reply, Reply)
        assert "refuses the key" in reply.why_not
        monkeypatch.setenv("EMBEDSMITH_BUDGET", "0.0001")
        (reply,) = answerer(with_params, tmp_path).answer("what", PRICES)
        assert isinstance(reply, Reply)
        assert "EMBEDSMITH_BUDGET" in reply.why_not
