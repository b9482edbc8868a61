"""What people decide about examples in Argilla comes back."""

import json
from typing import Any

from tests.synthetic.conftest import Project


def records(project: Project) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads((project.folder / "argilla/records.json").read_text())
    return found


def answer(record: dict[str, Any], **values: str) -> dict[str, Any]:
    given = {name: [{"value": value, "user_id": "u"}] for name, value in values.items()}
    return record | {"responses": given}


def bring(project: Project, answered: list[dict[str, Any]]) -> str:
    path = project.folder / "records.json"
    path.write_text(json.dumps(answered))
    return str(path)


def test_decisions_go_out_and_come_back(made: Project) -> None:
    first, second = made.rows()["short-short"]
    assert "2 records" in made.must("export_examples")
    given = records(made)
    assert [each["id"] for each in given] == [first["id"], second["id"]]
    assert given[0]["fields"] == {
        "task": first["task"],
        "query": first["query"],
        "positive": first["pos"][0],
        "negative": first["neg"][0],
    }
    assert given[0]["suggestions"]["text"]["value"] == first["query"]
    settings = json.loads((made.folder / "argilla/.argilla/settings.json").read_text())
    assert {each["name"] for each in settings["fields"]} == set(given[0]["fields"])
    assert {each["name"] for each in settings["questions"]} == {"decision", "text"}

    answered = [
        answer(given[0], decision="edit", text="better  words"),
        answer(given[1], decision="drop", text="unread"),
    ]
    path = bring(made, answered)
    assert "2 decisions, 2 of them new" in made.must("import_reviews", "--who", "ann", path)
    assert "2 decisions, 0 of them new" in made.must("import_reviews", "--who", "ann", path)
    made.must("examples")
    assert made.rows()["short-short"] == [first | {"query": "better words"}]
    assert made.metrics("examples")["by_people"] == {"reviewed": 2, "edited": 1, "dropped": 1}

    # what was decided goes out again as suggestions: no file knows the people of a server
    assert "1 of them decided" in made.must("export_examples")
    (again,) = records(made)
    assert again["responses"] == {}
    suggested = {name: each["value"] for name, each in again["suggestions"].items()}
    assert suggested == {"decision": "edit", "text": "better  words"}


def test_a_change_of_mind_counts(made: Project) -> None:
    made.must("export_examples")
    given = records(made)
    for decision, left in (("drop", 1), ("keep", 2)):
        path = bring(made, [answer(given[0], decision=decision)])
        made.must("import_reviews", "--who", "ann", path)
        made.must("examples")
        assert len(made.rows()["short-short"]) == left


def test_a_later_decision_of_here_stays(made: Project) -> None:
    made.must("export_examples")
    path = bring(made, [answer(records(made)[0], decision="keep")])
    assert "1 of them new" in made.must("import_reviews", "--who", "ann", path)
    name = records(made)[0]["id"]
    line = {"query_id": name, "decision": "drop", "who": "zoe", "when": "2099-01-01T00:00:00+00:00"}
    (made.folder / "reviews" / "zoe.jsonl").write_text(json.dumps(line) + "\n")
    assert "0 of them new" in made.must("import_reviews", "--who", "ann", path)
    made.must("examples")
    assert len(made.rows()["short-short"]) == 1


def test_mistakes_are_one_line_and_change_nothing(made: Project) -> None:
    made.must("export_examples")
    record = records(made)[0]
    for answered, message in (
        (
            [record | {"id": "ex-0"} | {"responses": answer(record, decision="keep")["responses"]}],
            "record 'ex-0' is about none of the examples",
        ),
        ([answer(record, decision="burn")], "expected keep, edit, drop, got 'burn'"),
        ([answer(record, decision="edit")], "an edit needs a text"),
        ([{"id": 7}], 'records.json: record 1: "id" or "responses" is missing'),
        ({"id": "a"}, "expected a list of records"),
    ):
        path = bring(made, answered)  # type: ignore[arg-type]
        assert message in made.refused("import_reviews", "--who", "ann", path)
    assert "expected letters" in made.refused("import_reviews", "--who", "../ann", path)
    assert list((made.folder / "reviews").iterdir()) == []


def test_all_dropped_and_none_made(made: Project) -> None:
    made.must("export_examples")
    path = bring(made, [answer(each, decision="drop") for each in records(made)])
    made.must("import_reviews", "--who", "ann", path)
    assert "every example is dropped there" in made.refused("examples")
    made.changes["brainstorm.families"] = []
    made.must("brainstorm")
    made.must("examples")
    assert "no examples; set brainstorm.families" in made.refused("export_examples")
