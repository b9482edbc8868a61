"""Judged queries in a folder of files, which name documents by file and heading."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import Result

from stages.lib.core.collection import read_qrels
from tests.commands import attempt, call
from tests.imports import ROOT
from tests.preparing import prepare, word_tokenizer

GUIDE = """\
# Guide

Read this first.

## Install

Take the disk.

### Linux

Run the script.

## Use

Use it daily.
"""
QUERIES = {
    "q1": "how to put it on linux",
    "q2": "where to begin",
    "q3": "keep a copy",
    "q4": "installing",
    "q5": "gone",
}
TEST = """\
query-id\tcorpus-id\tscore
q1\tguides/a guide.md#Linux\t2
q2\tguides/a guide.md\t1
q2\tguides/a guide.md#Use\t3
q3\t./notes.txt\t1
q4\tguides/a guide.md#install\t1
q4\tguides/a guide.md#Install > Linux\t2
q5\tguides/a guide.md#Removed\t1
q5\tnowhere.md\t1
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "docs"
    (folder / "guides").mkdir(parents=True)
    (folder / "qrels").mkdir()
    (folder / "guides/a guide.md").write_text(GUIDE)
    (folder / "notes.txt").write_text("Keep a copy.")
    (folder / "queries.jsonl").write_text(
        "".join(json.dumps({"_id": name, "text": text}) + "\n" for name, text in QUERIES.items())
    )
    (folder / "qrels/test.tsv").write_text(TEST)
    return folder


def run(folder: Path, **changes: Any) -> Result:
    return prepare(folder.parent, source="documents", path=str(folder), **changes)


def judged(collection: Path, split: str = "test") -> dict[str, dict[str, int]]:
    """Grades by the last title of each document, by query."""
    rows = map(json.loads, (collection / "corpus.jsonl").read_text().splitlines())
    titles = {row["_id"]: row["title"].split(" > ")[-1] for row in rows}
    qrels = read_qrels(collection / split / "qrels.tsv")
    return {
        query_id: {titles[doc_id]: grade for doc_id, grade in sorted(row.items())}
        for query_id, row in qrels.items()
    }


EXPECTED = {
    "q1": {"Linux": 2},
    "q2": {"Guide": 1, "Install": 1, "Linux": 1, "Use": 3},
    "q3": {"notes": 1},
    "q4": {"Install": 1, "Linux": 2},
}


def test_names_of_files_and_headings_become_documents(folder: Path) -> None:
    (folder / "answers.jsonl").write_text('{"_id": "q1", "answer": "by the script"}')
    result = run(folder)
    assert result.exit_code == 0, result.output
    assert (folder.parent / "collection/answers.jsonl").read_text() == (
        '{"_id":"q1","answers":["by the script"]}\n'
    )
    assert judged(folder.parent / "collection") == EXPECTED
    metrics = json.loads((folder.parent / "prepare.json").read_text())
    assert (metrics["files"], metrics["ignored_files"]) == (2, 0)
    assert metrics["test"]["dangling_qrels"] == 2
    assert "2 of 10 judgements name a query or a document that does not exist" in result.stderr
    assert "'q5'" in result.stderr
    refusal = run(folder, dangling_qrels="error")
    assert (refusal.exit_code, refusal.output.count("\n")) == (1, 1)


def test_judgements_outlive_edits(folder: Path) -> None:
    guide = GUIDE.replace("Run the script.", "Run it. " + "Then wait for it. " * 40)
    (folder / "guides/a guide.md").write_text(guide.replace("### Linux", "### linux"))
    assert run(folder, chunk_tokens=100).exit_code == 0
    collection = folder.parent / "collection"
    assert judged(collection)["q1"] == {"linux": 2}
    assert len(read_qrels(collection / "test/qrels.tsv")["q1"]) > 1


def test_pages_and_anchors_are_names_too(folder: Path) -> None:
    (folder / "page.html").write_text("<h1>A</h1><p>x</p><h2 id='set-up'>Set it up</h2><p>y</p>")
    (folder / "c# in use.md").write_text("# C\n\nz")
    (folder / "qrels/train.tsv").write_text(
        "q1\tpage.html#set-up\t1\nq2\tpage.html#A\t1\nq3\tc# in use.md\t1\n"
    )
    assert run(folder, repeated_queries="keep").exit_code == 0
    assert judged(folder.parent / "collection", "train") == {
        "q1": {"Set it up": 1},
        "q2": {"A": 1, "Set it up": 1},
        "q3": {"C": 1},
    }


def test_faults_of_the_judgements_are_named(folder: Path) -> None:
    (folder / "queries.jsonl").unlink()
    assert "queries.jsonl: no such file, though there are qrels" in run(folder).output
    (folder / "qrels/test.tsv").write_text("q1\t0\tnotes.txt\t1\n")
    assert "test.tsv:1: four columns, as TREC" in run(folder).output


def test_dvc_prepares_again_what_was_judged(folder: Path) -> None:
    project = folder.parent / "project"
    shutil.copytree(ROOT / "stages", project / "stages", ignore=shutil.ignore_patterns("__pyc*"))
    shutil.move(folder, project / "docs")
    (project / "models/base").mkdir(parents=True)
    (project / "data/judgements").mkdir(parents=True)
    word_tokenizer(project / "models/base/tokenizer.json")
    params = yaml.safe_load((ROOT / "params.yaml").read_text())
    params["prepare"] |= {"source": "documents", "path": "docs", "queries_path": "docs"}
    (project / "params.yaml").write_text(yaml.safe_dump(params))
    pipeline = yaml.safe_load((ROOT / "dvc.yaml").read_text())["stages"]
    (project / "dvc.yaml").write_text(yaml.safe_dump({"stages": {"prepare": pipeline["prepare"]}}))
    call(project, "git", "init", "-q")
    call(project, "dvc", "init", "-q")
    call(project, "dvc", "config", "core.analytics", "false")
    call(project, "dvc", "repro", "-q")
    assert judged(project / "data/collection") == EXPECTED
    (project / "docs/qrels/test.tsv").write_text("q3\tnotes.txt\t1\nq1\tguides/a guide.md#Use\t1\n")
    call(project, "dvc", "repro", "-q")
    assert judged(project / "data/collection") == {"q1": {"Use": 1}, "q3": {"notes": 1}}
    assert "up to date" in attempt(project, "dvc", "repro").stdout
