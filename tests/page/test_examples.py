"""Reviewing examples: what is shown, what a decision is worth to the stage that trains on them."""

import json
import re
from dataclasses import replace
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from stages.lib.errors import UserError
from stages.lib.page.examples import ExampleDesk
from stages.lib.page.web.addresses import GETS, POSTS
from stages.lib.page.web.application import Parts, application
from stages.lib.people.reviews import read_decisions
from stages.lib.synthetic.reviews import reviewed
from tests.page.small import EXAMPLES, HOSTILE
from tests.page.test_web import HERE, OWN


@pytest.fixture
def browser(parts: Parts) -> TestClient:
    return TestClient(application(parts, GETS, POSTS, ""), HERE, follow_redirects=False)


def identity(shown: str) -> str:
    (found,) = re.findall(r'name="id" value="([^"]+)"', shown)
    return str(found)


def test_examples_are_shown_by_family_in_turn_and_kept_edited_or_dropped(
    parts: Parts, browser: TestClient, tmp_path: Path
) -> None:
    decisions = iter(["drop", "keep", "edit", "keep"])
    families = []
    for number, decision in enumerate(decisions):
        shown = browser.get("/review/examples").text
        assert f"{number} of 4 examples reviewed" in shown
        assert HOSTILE not in shown
        row = parts.examples.rows[identity(shown)]
        assert row["task"] in shown
        assert row["pos"][0] in shown
        assert all(text in shown for text in row["neg"])
        assert ("Similarity 0.80" in shown) == ("score" in row)
        families.append(row["family"])
        form = {"id": row["id"], "decision": decision, "text": "in better words"}
        answer = browser.post("/review/examples/decide", data=form, headers=OWN)
        assert answer.headers["location"] == "/review/examples"
    assert families == ["short-long", "similarity", "short-long", "short-long"]
    assert "All are reviewed" in browser.get("/review/examples").text
    found = read_decisions(tmp_path / "example_reviews")
    kept, counts = reviewed(EXAMPLES, found)
    assert counts == {"reviewed": 4, "edited": 1, "dropped": 1}
    assert len(kept["short-long"]) == 2
    assert [row["query"] for row in kept["short-long"]].count("in better words") == 1
    assert not (tmp_path / "reviews").exists(), "queries have decisions of their own"
    assert reviewed(EXAMPLES, {})[0] == EXAMPLES, "without decisions nothing changes"


def test_the_last_decision_is_taken_back_also_by_a_later_page(
    parts: Parts, browser: TestClient, tmp_path: Path
) -> None:
    first = identity(browser.get("/review/examples").text)
    browser.post("/review/examples/decide", data={"id": first, "decision": "drop"}, headers=OWN)
    assert identity(browser.get("/review/examples").text) != first
    later = ExampleDesk(tmp_path / "example_reviews", "ann", EXAMPLES, 13)
    assert later.reviewed == 1
    later.undo()
    assert later.next() == parts.examples.rows[first]
    rows = [json.loads(line) for line in (tmp_path / "example_reviews/ann.jsonl").open()]
    assert [row["decision"] for row in rows] == ["drop", "undone"]
    browser.post("/review/examples/undo", headers=OWN)
    assert identity(browser.get("/review/examples").text) == first


def test_what_is_no_decision_about_an_example_writes_nothing(
    parts: Parts, browser: TestClient, tmp_path: Path
) -> None:
    with pytest.raises(UserError, match="no such example"):
        parts.examples.decide("syn-1", "keep")
    with pytest.raises(UserError, match="expected keep, edit, drop, got 'wrong_document'"):
        parts.examples.decide("ex-cat", "wrong_document")
    with pytest.raises(UserError):
        parts.examples.decide("ex-cat", "edit", " ")
    form = {"id": "ex-cat", "decision": "undone"}
    assert browser.post("/review/examples/decide", data=form, headers=OWN).status_code == 400
    assert not (tmp_path / "example_reviews").exists()


def test_without_examples_the_page_says_how_they_come(tmp_path: Path, parts: Parts) -> None:
    empty = ExampleDesk(tmp_path / "none", "ann", {}, 13)
    assert empty.next() is None
    page = application(replace(parts, examples=empty), GETS, POSTS, "")
    browser = TestClient(page, HERE)
    assert "There are no examples" in browser.get("/review/examples").text
