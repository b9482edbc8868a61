"""Scores of an endpoint that gives log-probabilities of the prompt."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from stages.lib.errors import UserError
from stages.lib.llm.storage.store import Store
from stages.lib.scoring.scorer import Remote, score
from stages.lib.scoring.wording import Asked, Score
from tests.scoring.server import CompletionServer
from tests.serving import serving

ASKED = [
    Asked("Knowledge: the sky\n\nAnswer: ", "it is blue", "m", 64),
    Asked("Q: why? A:", " so", "m", 64),
]
# "it", "is", "blue": 2 + 2 + 4 characters at half a nat each; what is written after it counts not
EXPECTED = [Score(-4.0, 3), Score(-1.0, 1)]


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[CompletionServer]:
    with serving(CompletionServer(), monkeypatch, tmp_path / "home") as found:
        yield found


@pytest.mark.parametrize(("writes_nothing", "marks_begin"), [(True, False), (False, True)])
def test_the_answers_tokens_count_alone_and_are_asked_once(
    server: CompletionServer, tmp_path: Path, writes_nothing: bool, marks_begin: bool
) -> None:
    server.writes_nothing, server.marks_begin = writes_nothing, marks_begin
    store = Store(tmp_path / "out.jsonl", tmp_path / "journal.db")
    assert score(ASKED, Remote("m", {}), store) == EXPECTED
    calls = server.stats["calls"]
    again = Store(tmp_path / "other.jsonl", tmp_path / "journal.db")
    assert score(ASKED, Remote("m", {}), again) == EXPECTED
    assert server.stats["calls"] == calls


def test_an_endpoint_without_log_probabilities_is_refused(
    server: CompletionServer, tmp_path: Path
) -> None:
    server.echoes = False
    store = Store(tmp_path / "out.jsonl", tmp_path / "journal.db")
    with pytest.raises(UserError, match="no log-probabilities of the prompt"):
        score(ASKED, Remote("m", {}), store)
