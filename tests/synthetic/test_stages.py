"""The two phases as commands: by an endpoint, by recorded answers, and off."""

import json
import re
from pathlib import Path

import pytest

from stages.lib.synthetic.families import FAMILIES
from tests.imports import ROOT
from tests.llm.server import Server
from tests.synthetic.conftest import Project


def calls(output: str, stage: str) -> int:
    found = re.search(rf"^{stage} +[\d,]+ +([\d,]+)", output, re.MULTILINE)
    assert found, output
    return int(found[1].replace(",", ""))


def test_both_phases_by_an_endpoint_and_what_they_cost(server: Server, project: Project) -> None:
    before = project.must("cost")
    assert (calls(before, "brainstorm"), calls(before, "examples")) == (6, 36)
    assert "at most" in before
    assert "18 tasks of 6 families" in project.must("brainstorm")
    project.must("examples")
    assert server.stats["calls"] == 42
    rows = project.rows()
    assert set(rows) == set(FAMILIES)
    # two examples of three tasks each; a graded one is two rows
    assert {name: len(some) for name, some in rows.items()} == dict.fromkeys(FAMILIES, 6) | {
        "similarity": 12
    }
    row = rows["short-long"][0]
    assert set(row) == {"query", "pos", "neg", "task", "family", "id"}
    assert row["query"].startswith("user_query of Task")
    assert row["pos"][0].startswith("positive_document of Task")
    assert row["neg"][0].startswith("hard_negative_document of Task")
    assert {each["score"] for each in rows["similarity"]} == {0.9, 0.4}
    after = project.must("cost")
    assert (calls(after, "brainstorm"), calls(after, "examples")) == (0, 0)
    files = {path: path.read_bytes() for path in (project.folder / "examples").iterdir()}
    project.must("brainstorm")
    project.must("examples")
    assert server.stats["calls"] == 42, "what is stored is not asked for again"
    assert {path: path.read_bytes() for path in (project.folder / "examples").iterdir()} == files


def test_tasks_about_a_collection(server: Server, project: Project) -> None:
    project.changes |= {
        "brainstorm.families": ["bitext"],
        "brainstorm.documents": "data/collection/corpus.jsonl",
    }
    assert calls(project.must("cost"), "brainstorm") == 1
    project.must("brainstorm")
    assert calls(project.must("cost"), "brainstorm") == 0
    assert server.stats["calls"] == 1
    project.changes["brainstorm.documents"] = "data/tasks"
    assert calls(project.must("cost"), "brainstorm") == 1, "without the documents it is another"


def test_faults_are_counted_and_survived(server: Server, project: Project) -> None:
    project.changes |= {"brainstorm.families": ["short-long"], "brainstorm.tasks": 8}
    project.must("brainstorm")
    server.script = ["not_json", "empty", "refusal", "off_schema", "cut_off"]
    assert "0 given up" in project.must("examples")
    counts = project.metrics("examples")
    faults = {"not_json": 1, "empty": 1, "refused": 1, "off_schema": 1, "truncated": 1}
    assert counts["faults"] == faults
    assert counts["rows"] == 16


def test_a_family_without_a_usable_answer_is_named(server: Server, project: Project) -> None:
    project.changes |= {"brainstorm.families": ["bitext", "short-long"], "llm.attempts": 1}
    server.script = ["not_json"]
    line = project.must("brainstorm")
    assert "3 tasks of 1 families, none of" in line
    assert sorted(project.metrics("brainstorm")["by_family"].values()) == [0, 3]


def test_nothing_usable_is_one_line(server: Server, project: Project) -> None:
    project.changes |= {"brainstorm.families": ["long-long"], "llm.attempts": 1}
    server.script = ["not_json"]
    assert "no task of any of 1 families (1 not_json)" in project.refused("brainstorm")
    assert not (project.folder / "tasks.jsonl").exists()


def test_off_writes_nothing_and_asks_nothing(server: Server, project: Project) -> None:
    project.changes["brainstorm.families"] = []
    assert "no tasks, brainstorm.families is empty" in project.must("brainstorm")
    assert "nothing asked" in project.must("examples")
    assert project.rows() == {}
    assert (project.folder / "tasks.jsonl").read_text() == ""
    project.changes |= {
        "brainstorm.families": ["bitext"],
        "llm.provider": "none",
        "prepare.queries_from": "inpars",
    }
    assert "no tasks, llm.provider is none" in project.must("brainstorm")
    assert server.stats["calls"] == 0
    assert "brainstorm" not in project.must("cost")


def test_recorded_answers_of_the_sample_are_all_usable(project: Project) -> None:
    folder = ROOT / "data/sample/llm"
    project.changes |= {
        "llm.provider": "recorded",
        "llm.recorded": str(folder),
        "brainstorm.tasks": 20,
    }
    assert "102 tasks of 6 families" in project.must("brainstorm")
    written = [json.loads(line) for line in (folder / "examples.jsonl").open()]
    number = sum(len(line["examples"]) for line in written)
    assert number >= 200
    project.must("examples")
    counts = project.metrics("examples")
    assert counts["answered"] == number
    assert counts["faults"] == {}
    assert all(each["repeated"] == 0 for each in counts["by_family"].values())
    assert counts["rows"] == number + len(project.rows()["similarity"]) // 2


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (
            {"family": "short-wide", "task": "Find it."},
            "jsonl:1: family 'short-wide' is none",
        ),
        ({"family": "bitext"}, 'tasks.jsonl:1: "task" is missing or not a text'),
    ],
)
def test_a_bad_task_is_named_by_its_line(
    project: Project, line: dict[str, str], message: str
) -> None:
    (project.folder / "tasks.jsonl").write_text(json.dumps(line) + "\n")
    assert message in project.refused("examples")


def test_a_batch_gives_the_same_rows(
    server: Server, project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    project.changes |= {"brainstorm.families": ["long-short", "similarity"]}
    project.must("brainstorm")
    project.must("examples")
    batched = Project(tmp_path / "batched")
    batched.changes |= project.changes | {"llm.mode": "batch"}
    monkeypatch.setenv("EMBEDSMITH_HOME", str(tmp_path / "another home"))
    monkeypatch.setenv("EMBEDSMITH_BATCH_WAIT", "30")
    monkeypatch.setattr("stages.lib.llm.session.POLL", 0.01)
    batched.must("brainstorm")
    batched.must("examples")
    assert len(server.batches) == 2
    assert batched.rows() == project.rows()
