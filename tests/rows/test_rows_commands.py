"""The commands that bring rows in, hand them on, find negatives and score."""

import json
from pathlib import Path
from typing import Any

import click
import pytest
import yaml
from click.testing import CliRunner

from stages.lib.tasks.rows import read_rows
from stages.rows import export_rows, import_rows, mine_rows, score_rows
from tests.imports import ROOT
from tests.scoring.tiny import make_tiny_causal

KINDS = str(ROOT / "stages" / "presets" / "tasks")
CORPUS = ["the red apple", "the green pear", "a blue car", "a green bus of the train", "the plum"]


def write(path: Path, rows: list[dict[str, Any]]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def call(command: click.Command, *words: object, fails: bool = False) -> str:
    result = CliRunner().invoke(command, [str(word) for word in words])
    assert (result.exit_code != 0) == fails, result.output
    return str(result.output)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """Two rows of a task, brought in with their corpus."""
    corpus = write(tmp_path / "corpus.json", [{"title": "", "text": text} for text in CORPUS])
    rows: list[dict[str, Any]] = [
        {"query": "what is green", "pos_index": [1], "answers": ["green pear"], "query_id": 7},
        {"query": "the train", "pos_index": [3], "answers": ["bus"], "context": ["a dog", "how"]},
    ]
    path = write(tmp_path / "rows.json", rows)
    words = ["--kinds", KINDS, "--out", tmp_path / "tasks", "--rows", path, "--corpus", corpus]
    said = call(import_rows.main, *words, "--kind", "qa", "--turns", "context", "things")
    assert "add {name: things, kind: qa, set: {}} to tasks.rows" in said
    loaded = yaml.safe_load((ROOT / "params.yaml").read_text())
    loaded["tasks"]["rows"] = [{"name": "things", "kind": "qa", "set": {}}]
    loaded["encoder"]["max_length"] = 32
    loaded["scoring"] |= {"model": str(make_tiny_causal(tmp_path / "lm", "llama"))}
    (tmp_path / "params.yaml").write_text(yaml.safe_dump(loaded))
    return tmp_path


def on_task(project: Path, *words: object) -> list[object]:
    folders = ["--rows", project / "tasks", "--kinds", KINDS, "--params", project / "params.yaml"]
    return [*folders, *words, "things"]


def test_rows_come_in_with_texts_and_earlier_turns(project: Path) -> None:
    first, second = read_rows(project / "tasks" / "things" / "rows.jsonl", CORPUS)
    assert first.pos == ["the green pear"]
    assert first.identity == "7"
    assert second.query == "a dog how the train"
    assert "context" not in second.dump()


def test_a_row_beyond_the_corpus_leaves_nothing_behind(project: Path) -> None:
    rows = write(project / "bad.json", [{"query": "q"}, {"query": "q", "pos_index": [5]}])
    words = ["--kinds", KINDS, "--out", project / "tasks", "--rows", rows]
    said = call(import_rows.main, *words, "--corpus", project / "corpus.json", "other", fails=True)
    assert "bad.json:2: pos_index: 5 is beyond the corpus, which has 5 documents" in said
    assert not (project / "tasks" / "other").exists()


def test_bm25_and_dense_find_negatives_that_hold_no_answer(project: Path, tiny_model: Path) -> None:
    call(mine_rows.main, *on_task(project, "--model", tiny_model, "--most", 3))
    first, second = read_rows(project / "tasks" / "things" / "rows.jsonl", CORPUS)
    assert first.neg_index is not None
    assert first.neg_index[0] == 3  # the other text that has `green`; not 1, which answers
    assert 1 not in first.neg_index
    assert second.neg is not None
    assert not any("bus" in text for text in second.neg)
    call(mine_rows.main, *on_task(project, "--model", tiny_model, "--by", "dense", "--most", 9))
    first, _ = read_rows(project / "tasks" / "things" / "rows.jsonl", CORPUS)
    assert sorted(first.neg_index or []) == [0, 2, 3, 4]


def test_a_run_becomes_negatives_or_keys(project: Path, tiny_model: Path) -> None:
    run = project / "found.run"
    run.write_text("7 Q0 1 1 3.0 x\n7 Q0 4 2 2.0 x\n7 Q0 0 3 1.0 x\n")
    call(mine_rows.main, *on_task(project, "--model", tiny_model, "--by", run, "--keys"))
    first, _ = read_rows(project / "tasks" / "things" / "rows.jsonl", CORPUS)
    assert first.key_index == [1, 4, 0]
    assert first.key == [CORPUS[1], CORPUS[4], CORPUS[0]]
    call(mine_rows.main, *on_task(project, "--model", tiny_model, "--by", run))
    first, second = read_rows(project / "tasks" / "things" / "rows.jsonl", CORPUS)
    assert first.neg_index == [4, 0]
    assert second.neg == []
    run.write_text("7 Q0 d1 1 3.0 x\n")
    words = on_task(project, "--model", tiny_model, "--by", run)
    assert "'d1' is no place in the corpus" in call(mine_rows.main, *words, fails=True)


def test_scores_fill_the_rows(
    project: Path, tiny_model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EMBEDSMITH_HOME", str(project / "home"))
    call(mine_rows.main, *on_task(project, "--model", tiny_model, "--most", 2))
    words = on_task(project, "--model", project / "hub", "--store", project / "scores.jsonl")
    assert "score_rows: 6 documents of 2 rows" in call(score_rows.main, *words)
    path = project / "tasks" / "things" / "rows.jsonl"
    for row in read_rows(path, CORPUS):
        assert row.teacher_scores is not None
        assert len(row.teacher_scores) == 3
        assert all(value < 0 for value in row.teacher_scores)
    # in a store for each distinct text: nothing is asked twice
    assert len((project / "scores.jsonl").read_text().splitlines()) == 6
    write(path, [{"query": "q", "pos": ["a"]}])
    said = call(score_rows.main, *words, fails=True)
    assert "rows.jsonl:1: no answers, by which a language model scores" in said


def test_the_collection_goes_out_and_comes_back(tmp_path: Path) -> None:
    folders = ["--collection", ROOT / "data" / "collection", "--mined", ROOT / "data" / "mined"]
    if not (ROOT / "data" / "mined" / "train.jsonl").exists():
        pytest.skip("the sample's outputs are not here")
    run = next((ROOT / "data" / "evaluation" / "runs").glob("*bm25*"))
    first = json.loads((ROOT / "data" / "mined" / "train.jsonl").open().readline())["query_id"]
    answers = write(tmp_path / "answers.jsonl", [{"_id": first, "answer": "14 days"}])
    folders += ["--answers", answers]
    call(export_rows.main, *folders, "--out", tmp_path / "rows", "--run", run)
    words = ["--kinds", KINDS, "--kind", "qa", "--out", tmp_path / "tasks"]
    for option, name in (("--rows", "train"), ("--evaluation", "test"), ("--corpus", "corpus")):
        words += [option, tmp_path / "rows" / f"{name}.jsonl"]
    call(import_rows.main, *words, "sample")
    folder = tmp_path / "tasks" / "sample"
    test = (tmp_path / "rows" / "test.jsonl").read_text().splitlines()
    assert len(read_rows(folder / "evaluation.jsonl")) == len(test)
    assert len(json.loads(test[0])["key"]) == 10
    known = json.loads((ROOT / "data/sample/answers.jsonl").open().readline())
    by_id = {row["query_id"]: row for row in map(json.loads, test)}
    assert by_id[known["_id"]]["answers"] == [known["answer"]]
    assert sum("answers" in row for row in by_id.values()) == 42
    learnt = read_rows(tmp_path / "rows" / "train.jsonl")
    assert {row.identity: row.answers for row in learnt if row.answers} == {first: ["14 days"]}
    same = (folder / "rows.jsonl").read_text() == (tmp_path / "rows" / "train.jsonl").read_text()
    assert same
