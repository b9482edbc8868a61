import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner, Result

from stages import brainstorm, examples
from stages.lib.synthetic.rows import Row
from stages.operate import cost, export_examples, import_reviews
from tests.imports import ROOT
from tests.llm.server import Server
from tests.serving import serving

FAMILIES = ["short-long", "long-short", "short-short", "long-long", "similarity", "bitext"]


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Server]:
    """An endpoint, and an environment that points to it."""
    with serving(Server(), monkeypatch, tmp_path / "home") as server:
        yield server


class Project:
    """A folder without a collection, in which the stages of tasks run as commands."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.changes: dict[str, Any] = {
            "llm.provider": "openai",
            "brainstorm.families": FAMILIES,
            "brainstorm.tasks": 3,
        }
        (folder / "reviews").mkdir(parents=True)
        for split in ("train", "dev"):
            (folder / split).mkdir()
            (folder / split / "queries.jsonl").touch()
            (folder / split / "qrels.tsv").write_text("query-id\tcorpus-id\tscore\n")
        corpus = {"_id": "d", "title": "A title", "text": "a document of few words"}
        (folder / "corpus.jsonl").write_text(json.dumps(corpus) + "\n")

    def params(self) -> Path:
        loaded = yaml.safe_load((ROOT / "params.yaml").read_text())
        for key, value in self.changes.items():
            section, name = key.split(".", 1)
            loaded[section][name] = value
        path = self.folder / "params.yaml"
        path.write_text(yaml.safe_dump(loaded))
        return path

    def run(self, command: str, *arguments: str) -> Result:
        at = self.folder
        prompts = ["--prompts", str(ROOT / "stages/prompts"), "--params", str(self.params())]
        outs = ["--store", f"{at}/llm/{command}.jsonl", "--metrics", f"{at}/{command}.json"]
        people = ["--examples", f"{at}/examples", "--reviews", f"{at}/reviews"]
        match command:
            case "brainstorm":
                given = ["--documents", f"{at}/corpus.jsonl"]
                options = [*given, *prompts, *outs, "--out", f"{at}/tasks.jsonl"]
                return CliRunner().invoke(brainstorm.main, options)
            case "examples":
                options = [*prompts, *outs, "--tasks", f"{at}/tasks.jsonl", *people[2:]]
                return CliRunner().invoke(examples.main, [*options, "--out", f"{at}/examples"])
            case "export_examples":
                options = [*people, "--out", f"{at}/argilla", *arguments]
                return CliRunner().invoke(export_examples.main, options)
            case "import_reviews":
                return CliRunner().invoke(import_reviews.main, [*people, *arguments])
            case _:
                splits = ["--train", f"{at}/train", "--dev", f"{at}/dev", "--synthetic", f"{at}/no"]
                made = ["--judged", f"{at}/no", "--stores", f"{at}/llm"]
                asked = ["--test", f"{at}/no", "--answers", f"{at}/no", "--reviews", f"{at}/no"]
                corpus = ["--corpus", f"{at}/corpus.jsonl"]
                return CliRunner().invoke(cost.main, [*prompts, *corpus, *splits, *asked, *made])

    def must(self, command: str, *arguments: str) -> str:
        result = self.run(command, *arguments)
        assert result.exit_code == 0, result.output
        return result.output

    def refused(self, command: str, *arguments: str) -> str:
        result = self.run(command, *arguments)
        assert result.exit_code == 1, result.output
        errors = [line for line in result.output.splitlines() if line.startswith("Error: ")]
        assert len(errors) == 1, result.output
        return errors[0]

    def rows(self) -> dict[str, list[Row]]:
        return {
            path.stem: [json.loads(line) for line in path.read_text().splitlines()]
            for path in sorted((self.folder / "examples").glob("*.jsonl"))
        }

    def metrics(self, stage: str) -> dict[str, Any]:
        value: dict[str, Any] = json.loads((self.folder / f"{stage}.json").read_text())
        return value


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path / "project")


@pytest.fixture
def made(project: Project) -> Project:
    """A project with two rows of a family."""
    project.changes |= {
        "llm.provider": "recorded",
        "llm.recorded": str(ROOT / "data/sample/llm"),
        "brainstorm.families": ["short-short"],
        "brainstorm.tasks": 1,
    }
    project.must("brainstorm")
    project.must("examples")
    return project
