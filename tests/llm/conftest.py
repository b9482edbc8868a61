import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner, Result

from stages import expand, generate, judge_dev, rules
from stages.operate import cost
from tests.imports import ROOT
from tests.llm.server import Server
from tests.serving import serving

TOPICS = ["restoring", "backing", "encrypting", "licensing", "moving", "pruning", "testing"]


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Server]:
    """An endpoint, and an environment that points to it."""
    with serving(Server(), monkeypatch, tmp_path / "home") as server:
        yield server


class Project:
    """A folder with a collection, in which stages run as commands."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.changes: dict[str, Any] = {
            "llm.provider": "openai",
            "generate.types": ["keywords", "question"],
            "generate.min_words": 1,
            "rules.draws": 1,
        }
        for split in ("train", "dev", "asked", "synthetic"):
            self.write_split(split, [])
        self.write_corpus(
            [
                (f"d{number}", f"About {TOPICS[number]}", f"{TOPICS[number]} takes {number} hours")
                for number in range(7)
            ]
        )

    def write_corpus(self, documents: Sequence[tuple[str, str, str]]) -> None:
        self.write(
            "corpus.jsonl",
            "".join(
                json.dumps({"_id": doc_id, "title": title, "text": text}) + "\n"
                for doc_id, title, text in documents
            ),
        )

    def write_split(self, name: str, rows: Sequence[tuple[str, str, str, int]]) -> None:
        texts = {query_id: text for query_id, text, _, _ in rows}
        queries = [json.dumps({"_id": key, "text": text}) + "\n" for key, text in texts.items()]
        self.write(f"{name}/queries.jsonl", "".join(queries))
        qrels = [f"{query_id}\t{doc_id}\t{grade}\n" for query_id, _, doc_id, grade in rows]
        self.write(f"{name}/qrels.tsv", "query-id\tcorpus-id\tscore\n" + "".join(qrels))

    def write(self, name: str, text: str) -> None:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    def params(self) -> Path:
        loaded = yaml.load((ROOT / "params.yaml").read_text(), yaml.CSafeLoader)
        for key, value in self.changes.items():
            section, name = key.split(".", 1)
            loaded[section][name] = value
        path = self.folder / "params.yaml"
        path.write_text(yaml.dump(loaded, Dumper=yaml.CSafeDumper))
        return path

    def arguments(self, stage: str) -> list[str]:
        at = self.folder
        common = ["--prompts", str(ROOT / "stages/prompts"), "--params", str(self.params())]
        common += ["--corpus", str(at / "corpus.jsonl"), "--train", str(at / "train")]
        outs = ["--store", str(at / f"llm/{stage}.jsonl"), "--metrics", str(at / f"{stage}.json")]
        match stage:
            case "rules":
                return [*common, *outs, "--out", str(at / "rules.out.json")]
            case "generate":
                rules = ["--rules", str(at / "rules.out.json"), "--reviews", str(at / "reviews")]
                answers = ["--answers", str(at / "query_answers.jsonl")]
                return [*common, *outs, *rules, *answers, "--out", str(at / "queries.jsonl")]
            case "expand":
                model = ["--model", str(at / "base"), "--vectors", str(at / "vectors")]
                split = ["--synthetic", str(at / "synthetic"), "--out", str(at / "expanded")]
                return [*common, *outs, *model, *split]
            case "judge_dev":
                model = ["--model", str(at / "base"), "--vectors", str(at / "vectors")]
                splits = ["--asked", str(at / "asked"), "--dev", str(at / "dev")]
                splits += ["--synthetic", str(at / "synthetic")]
                rules = ["--rules", str(at / "rules.out.json"), "--out", str(at / "judged")]
                corpus = common.index("--train")
                return [*common[:corpus], *common[corpus + 2 :], *outs, *model, *splits, *rules]
            case _:
                splits = ["--dev", str(at / "dev"), "--synthetic", str(at / "none")]
                made = ["--judged", str(at / "judged"), "--stores", str(at / "llm")]
                made += ["--reviews", str(at / "reviews"), "--test", str(at / "test")]
                made += ["--answers", str(at / "answers.jsonl")]
                return [*common, *splits, *made]

    def run(self, stage: str) -> Result:
        commands = {
            "rules": rules,
            "generate": generate,
            "judge_dev": judge_dev,
            "expand": expand,
            "cost": cost,
        }
        return CliRunner().invoke(commands[stage].main, self.arguments(stage))

    def must(self, *stages: str) -> str:
        output = ""
        for stage in stages:
            result = self.run(stage)
            assert result.exit_code == 0, result.output
            output += result.output
        return output

    def refused(self, stage: str) -> str:
        result = self.run(stage)
        assert result.exit_code == 1, result.output
        errors = [line for line in result.output.splitlines() if line.startswith("Error: ")]
        assert len(errors) == 1, result.output
        return errors[0]

    def queries(self) -> list[dict[str, str]]:
        return [json.loads(line) for line in (self.folder / "queries.jsonl").open()]

    def metrics(self, stage: str) -> dict[str, Any]:
        value: dict[str, Any] = json.loads((self.folder / f"{stage}.json").read_text())
        return value


@pytest.fixture
def llm_project(tmp_path: Path) -> Project:
    return Project(tmp_path / "project")
