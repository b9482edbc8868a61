"""Asking by itself, and reading answers, with providers and answers made here."""

import json
from pathlib import Path

import pytest

from stages.lib.errors import UserError
from stages.lib.llm.answers import Fault, Judgements, Queries, Question, Rules, read
from stages.lib.llm.ask import HOPELESS, Asker
from stages.lib.llm.estimate import estimate
from stages.lib.llm.messages import CallFailedError, Request, Response
from stages.lib.llm.spending import Purse
from stages.lib.llm.storage.store import Store
from tests.llm.storage.test_store import request


class Down:
    """An endpoint that is down, but for some calls."""

    paid = True

    def __init__(self, up: set[int]) -> None:
        self.calls = 0
        self._up = up

    async def complete(self, request: Request) -> Response | None:  # noqa: ARG002 - see Provider
        self.calls += 1
        if self.calls in self._up:
            return Response(json.dumps({"rules": ["short"]}), "stop", None, "m", 1, 1)
        raise CallFailedError("no connection")

    async def close(self) -> None:
        pass


@pytest.mark.parametrize(("up", "calls"), [(set(), HOPELESS), ({HOPELESS - 1}, 2 * HOPELESS - 1)])
def test_an_endpoint_that_is_down_is_not_asked_everything(
    tmp_path: Path, up: set[int], calls: int
) -> None:
    provider = Down(up)
    store = Store(tmp_path / "out.jsonl", tmp_path / "journal.db")
    asker: Asker[str] = Asker(provider, store, Purse(None, 1.0, None), attempts=1, concurrency=1)
    questions = [Question(request(f"u{n}", f"d{n}"), Rules()) for n in range(200)]
    with pytest.raises(UserError, match="calls got no answer .the last: no connection."):
        asker.ask(questions, len(questions), "test")
    assert provider.calls == calls


@pytest.mark.parametrize("grade", [True, 4, -1, 2.0, "2", None])
def test_a_grade_is_a_whole_number_from_0_to_3(grade: object) -> None:
    rows = [{"doc_id": "d1", "relevance": grade}, {"doc_id": "d2", "relevance": 3}]
    answer = Response(json.dumps({"judgements": rows}), "stop", None, "m", 1, 1)
    found = read(answer, Judgements(["d1", "d2"]))
    assert found.parts == {"d2": 3}
    assert found.faults == {Fault.OFF_SCHEMA}


def text(*kinds: str, bad: int = 0, cut: bool = False) -> Response:
    """An answer with a query of each of these types and some unusable ones, or the start of it."""
    rows = [{"type": kind, "text": f"{kind} query"} for kind in kinds] + [{}] * bad
    whole = json.dumps({"queries": rows})
    return Response(whole[:-2] if cut else whole, "length" if cut else "stop", None, "m", 1, 1)


class Scripted:
    """Answers in turn."""

    paid = True

    def __init__(self, *responses: Response) -> None:
        self.left = list(responses)

    async def complete(self, request: Request) -> Response | None:  # noqa: ARG002 - see Provider
        return self.left.pop(0)

    async def close(self) -> None:
        pass


@pytest.mark.parametrize(
    ("responses", "calls"),
    [
        # what the model leaves out twice, it leaves out
        ((text("a", "b", bad=1),) * 3, 2),
        # the second brings news, and the third does not
        ((text("a", bad=1), text("b", bad=1), text("a", bad=2), text("c")), 3),
        # answers that were cut off, and useless ones, say nothing of that
        ((text("a", cut=True), text("b", cut=True), text("a", "b", "c")), 3),
        # the same words again
        ((text("a", cut=True), text("a", cut=True), text("a", "b", "c")), 2),
        # three are the most
        ((text("a", cut=True), text("b", cut=True), text("a", "b", cut=True), text("c")), 3),
        ((text("a", bad=1), text(bad=1), text("a", "b", "c")), 3),
        ((text("a", cut=True), text("a", bad=1), text("a", "b", "c")), 3),
        # all that was wanted is there
        ((text("a", bad=1), text("b", "c", bad=1)), 2),
        ((text("a", "b"),), 1),
    ],
)
def test_what_a_model_does_not_do_is_not_paid_for_again_and_again(
    tmp_path: Path, responses: tuple[Response, ...], calls: int
) -> None:
    provider = Scripted(*responses)
    store = Store(tmp_path / "out.jsonl", tmp_path / "journal.db")
    asker: Asker[str] = Asker(provider, store, Purse(None, 1.0, None), attempts=3, concurrency=1)
    asked = Question(request("u", "d"), Queries(["a", "b", "c"], 100))
    found = asker.ask([asked], 1, "test")
    assert found.responses == calls == len(responses) - len(provider.left)
    estimated, parts = estimate("test", [asked], store, 8)
    assert estimated.calls == 0
    assert parts == {"d": found.answers["d"][0]}
