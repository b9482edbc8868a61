"""A small workspace with everything that package and deploy read."""

import atexit
import json
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import yaml
from click.testing import CliRunner, Result

from stages.embed import main as embed
from stages.lib.core.collection import Corpus, Document, Split, write_corpus, write_split
from stages.lib.encoding.vectors import read_rows
from stages.lib.params import Params, read_params
from stages.lib.values import read_yaml
from stages.package import main as package
from tests.vespa.models import MAX_TOKENS, export_model, write_model

ROOT = Path(__file__).parents[2]

TEXTS = {
    "a1": ("Restore", "restore the files of a laptop from the last snapshot"),
    "a2": ("", "a trial runs for thirty days and needs no card"),
    "b/1": ("Versions", "the vault keeps ninety versions of each file"),
    "b#2": ("Agents & <proxies>", "an agent behind a proxy needs the port opened"),
    "c:1": ("Error", "error 507 says that the disk is full"),
    "d1": ("Snapshots", "a snapshot is taken each hour and kept for a day"),
    "d2": ("Keys", "keys are kept in the vault and never leave it"),
    "e1": ("Price", "the price depends on the size of the files"),
}
WORDS = {"query", "passage", *" ".join(map(" ".join, TEXTS.values())).lower().split()}
MADE = Path(tempfile.mkdtemp(prefix="models"))
"""Models made once a session."""
atexit.register(shutil.rmtree, MADE)

QUERIES = {
    "q1": "restore files from a snapshot",
    "q2": "is there a trial",
    "q3": "versions of a file",
    "q4": "disk full error",
}
QRELS = {"q1": {"a1": 2, "d1": 1}, "q2": {"a2": 2}, "q3": {"b/1": 1}, "q4": {"c:1": 2}}


@dataclass(frozen=True)
class Workspace:
    folder: Path
    dense_weight: float = 0.8

    @property
    def corpus(self) -> Path:
        return self.folder / "collection" / "corpus.jsonl"

    @property
    def params(self) -> Params:
        return read_params(self.folder / "params.yaml")

    @property
    def application(self) -> Path:
        return self.folder / "package" / "application"

    def set_top(self, **values: Any) -> None:
        path = self.folder / "params.yaml"
        params = read_yaml(path)
        path.write_text(yaml.dump(params | values, Dumper=yaml.CSafeDumper), encoding="utf-8")

    def set(self, section: str, **values: Any) -> None:
        path = self.folder / "params.yaml"
        params = read_yaml(path)
        params[section] |= values
        path.write_text(yaml.dump(params, Dumper=yaml.CSafeDumper), encoding="utf-8")

    def write_model(
        self, seed: int, query: str = "", document: str = "", dimension: int = 16
    ) -> None:
        """A tuned model with its export and its vectors of the corpus."""
        self.set("encoder", query_prefix=query, document_prefix=document)
        made = MADE / f"{seed}-{query}-{document}-{dimension}"
        if not made.exists():
            write_model(made / "tuned", sorted(WORDS), seed, dimension)
            export_model(made / "tuned", made / "onnx", query, document)
        for name in ("tuned", "onnx"):
            shutil.rmtree(self.folder / name, ignore_errors=True)
            shutil.copytree(made / name, self.folder / name)
        self.embed()

    def judge(self, passed: bool, variant: str = "fp32") -> None:
        """The export's verdict on a variant."""
        path = self.folder / "export.json"
        gate = json.loads(path.read_text(encoding="utf-8"))["gate"] if path.exists() else {}
        gate[variant] = {"passed": passed, "reason": "" if passed else "cosine 0.93 < 0.99"}
        path.write_text(json.dumps({"gate": gate}), encoding="utf-8")

    def embed(self) -> None:
        arguments = {"--corpus": self.corpus, "--model": "tuned", "--out": "vectors"}
        check(invoke(embed, self, arguments))

    def package(self) -> Result:
        (self.folder / "fusion.json").write_text(json.dumps({"tuned": self.dense_weight}))
        return invoke(
            package,
            self,
            {
                "--corpus": self.corpus,
                "--onnx": "onnx",
                "--vectors": "vectors",
                "--fusion": "fusion.json",
                "--gate": "export.json",
                "--templates": ROOT / "application-package",
                "--out": "package",
                "--metrics": "metrics/package.json",
            },
        )

    def vectors(self) -> Any:
        return read_rows(self.folder / "vectors" / "vectors.npy")


def write_workspace(folder: Path) -> Workspace:
    folder.mkdir(parents=True, exist_ok=True)
    shutil.copy(ROOT / "params.yaml", folder / "params.yaml")
    workspace = Workspace(folder)
    workspace.set("encoder", max_length=MAX_TOKENS)
    workspace.set("package", variant="fp32", vectors="vespa")
    write_texts(workspace, TEXTS)
    split = Split(dict(QUERIES), {each: dict(judged) for each, judged in QRELS.items()})
    write_split(folder / "collection" / "dev", split)
    workspace.write_model(seed=1)
    workspace.judge(passed=True)
    return workspace


def write_texts(workspace: Workspace, texts: dict[str, tuple[str, str]]) -> Corpus:
    corpus = {doc_id: Document(doc_id, *each) for doc_id, each in texts.items()}
    write_corpus(workspace.corpus, corpus)
    return corpus


def invoke(command: Any, workspace: Workspace, arguments: dict[str, Any]) -> Result:
    """Runs a stage in the workspace's folder; relative paths are the workspace's."""
    line = [
        text for key, value in arguments.items() for text in (key, str(_path(workspace, value)))
    ]
    return CliRunner().invoke(command, [*line, "--params", str(workspace.folder / "params.yaml")])


def _path(workspace: Workspace, value: Any) -> Any:
    return workspace.folder / value if isinstance(value, str) and "://" not in value else value


def check(result: Result) -> Result:
    assert result.exit_code == 0, f"{result.output}\n{result.exception!r}"
    return result


def parse(path: Path) -> Any:
    """The root of an XML file of the package."""
    return ElementTree.parse(path).getroot()  # noqa: S314 - written by the test's own workspace


def deploying(workspace: Workspace) -> dict[str, Any]:
    """The arguments of the deploy stage."""
    return {
        "--package": "package",
        "--corpus": workspace.corpus,
        "--dev": "collection/dev",
        "--synthetic-dev": "collection/dev",
        "--model": "tuned",
        "--vectors": "vectors",
        "--gate": "export.json",
        "--templates": ROOT / "application-package",
        "--receipt": "metrics/deploy.json",
        "--rejected": "rejected.jsonl",
    }
