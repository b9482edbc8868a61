"""Examples go to a live Argilla and people's answers come back, by Argilla's own SDK."""

import json
import sys
from collections.abc import Iterator

import pytest

from stages.lib.synthetic import argilla_server
from tests.synthetic.conftest import Project
from tests.synthetic.server import Argilla

pytest.importorskip("argilla", reason="Argilla's SDK is not installed")


@pytest.fixture
def argilla(monkeypatch: pytest.MonkeyPatch) -> Iterator[Argilla]:
    """A server, and an environment with ann's key."""
    server = Argilla()
    monkeypatch.setenv(argilla_server.KEY, "ann.key")
    yield server
    server.shutdown()
    server.server_close()


def decide(made: Project, who: str, *decisions: tuple[int, str]) -> None:
    rows = made.rows()["short-short"]
    lines = [{"query_id": rows[number]["id"], "decision": what} for number, what in decisions]
    path = made.folder / "reviews" / f"{who}.jsonl"
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))


def given(argilla: Argilla) -> list[list[tuple[str, dict[str, str]]]]:
    """Each record's responses: who, and values by question."""
    names = {each["id"]: each["username"] for each in argilla.people.values()}
    return [
        [
            (names[each["user_id"]], {name: value["value"] for name, value in values.items()})
            for each in record["responses"]
            for values in [each["values"]]
        ]
        for record in argilla.records()
    ]


def test_examples_go_there_and_answers_come_back(made: Project, argilla: Argilla) -> None:
    first, second = made.rows()["short-short"]
    line = made.must("export_examples", "--server", argilla.url + "/")
    assert "2 new, 0 answered from here, 0 there before" in line
    (dataset,) = argilla.datasets.values()
    assert [each["name"] for each in dataset["fields"]] == ["task", "query", "positive", "negative"]
    options = dataset["questions"][0]["settings"]["options"]
    assert [each["value"] for each in options] == ["keep", "edit", "drop"]
    there = argilla.records()
    assert [each["external_id"] for each in there] == [first["id"], second["id"]]
    assert there[0]["fields"]["positive"] == first["pos"][0]
    assert [each["value"] for each in there[0]["suggestions"]] == [first["query"]]
    assert there[0]["metadata"] == {"family": "short-short"}

    argilla.answer(0, "bob", decision="edit", text="better words")
    argilla.answer(0, "cid", decision="drop")  # the first one counts
    argilla.answer(1, "bob", "draft", decision="drop")
    server = ("--who", "ann", "--server", argilla.url)
    assert "1 decisions, 1 of them new" in made.must("import_reviews", *server)
    assert "1 decisions, 0 of them new" in made.must("import_reviews", *server)
    argilla.answer(1, "bob", decision="drop")
    assert "2 decisions, 1 of them new" in made.must("import_reviews", *server)
    made.must("examples")
    assert made.rows()["short-short"] == [first | {"query": "better words"}]
    # the second one is gone here, and its answer is no fault
    assert "2 decisions, 0 of them new" in made.must("import_reviews", *server)


def test_what_is_there_stays(made: Project, argilla: Argilla) -> None:
    server = ("--server", argilla.url)
    made.must("export_examples", *server)
    argilla.answer(0, "bob", decision="keep")
    decide(made, "ann", (0, "drop"), (1, "drop"))
    assert "0 new, 1 answered from here, 2 there before" in made.must("export_examples", *server)
    expected = [[("bob", {"decision": "keep"})], [("ann", {"decision": "drop"})]]
    assert given(argilla) == expected
    assert "0 new, 0 answered from here, 2 there before" in made.must("export_examples", *server)
    assert given(argilla) == expected


def test_a_record_with_other_texts_stays_and_is_told(made: Project, argilla: Argilla) -> None:
    server = ("--server", argilla.url)
    made.must("export_examples", *server)
    (path,) = (made.folder / "examples").glob("*.jsonl")
    before = argilla.records()[0]["fields"]["query"]
    path.write_text(path.read_text().replace(json.dumps(before)[1:-1], "something else"))
    decide(made, "ann", (0, "drop"))
    line = made.must("export_examples", *server)
    assert "0 answered from here, 2 there before and left, 1 of them with other texts" in line
    assert argilla.records()[0]["fields"]["query"] == before
    assert given(argilla) == [[], []]


def test_who_discarded_a_record_has_answered_it(made: Project, argilla: Argilla) -> None:
    made.must("export_examples", "--server", argilla.url)
    argilla.answer(0, "ann", "discarded")
    decide(made, "ann", (0, "drop"))
    made.must("export_examples", "--server", argilla.url)
    assert [each["status"] for each in argilla.records()[0]["responses"]] == ["discarded"]
    assert "0 decisions" in made.must("import_reviews", "--who", "ann", "--server", argilla.url)


def test_faults_are_one_line(
    made: Project, argilla: Argilla, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(*arguments: str, at: str = argilla.url) -> str:
        return made.refused("export_examples", "--server", at, *arguments)

    monkeypatch.setenv(argilla_server.KEY, "secret")
    assert "refuses the key (401); set ARGILLA_API_KEY" in refused()
    assert "secret" not in refused()
    monkeypatch.setenv(argilla_server.KEY, "bob.key")
    assert "refuses the key (403)" in refused()
    monkeypatch.delenv(argilla_server.KEY)
    assert "ARGILLA_API_KEY is not set" in refused()
    monkeypatch.setenv(argilla_server.KEY, "ann.key")
    assert "no workspace 'nobody'; the key's person is in team" in refused("--workspace", "nobody")
    assert "127.0.0.1:9: cannot be reached (ConnectError)" in refused(at="http://127.0.0.1:9")
    assert "'argilla.example' is no address" in refused(at="argilla.example")
    assert "no such thing there (404)" in refused(at=f"{argilla.url}/elsewhere")
    argilla.version = "1.29.1"
    assert "is Argilla 1.29.1, and this speaks with Argilla 2" in refused()
    argilla.version = "2.0.0"
    assert not argilla.datasets
    with monkeypatch.context() as patch:
        patch.setitem(sys.modules, "argilla", None)
        assert "is not installed; run pip install 'argilla>=2.8,<3'" in refused()

    take = ("import_reviews", "--who", "ann")
    assert "dataset 'examples' of http" in made.refused(*take, "--server", argilla.url)
    assert "give either RECORDS=records.json or SERVER=" in made.refused(*take)
    made.must("export_examples", "--server", argilla.url)
    (dataset,) = argilla.datasets.values()
    dataset["questions"][0]["settings"]["options"].pop()
    line = refused()
    assert "other settings than these examples (decision); give another name by DATASET=" in line


def test_answers_about_other_examples_are_counted(made: Project, argilla: Argilla) -> None:
    server = ("--server", argilla.url)
    made.must("export_examples", *server)
    for number in (0, 1):
        argilla.answer(number, "bob", decision="keep")
    argilla.records()[0]["external_id"] = "ex-0"
    line = made.must("import_reviews", *server)
    assert "1 decisions, 1 of them new" in line
    assert "1 are about examples that are gone" in line
    argilla.records()[1]["external_id"] = "ex-1"
    line = made.refused("import_reviews", *server)
    assert "none of its answers is about an example" in line
