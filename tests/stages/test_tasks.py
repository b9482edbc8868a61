"""The stage `tasks`: what it trains on, what it tells, what it refuses."""

import itertools
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from click.testing import CliRunner
from sentence_transformers import SentenceTransformer

from stages.lib.core.collection import Document, Split, read_corpus, write_corpus, write_split
from stages.lib.core.examples import Example, Mined, write_mined
from stages.tasks import main
from tests.imports import ROOT

COLOURS, FRUITS = ("red", "green", "blue"), ("apple", "pear", "plum")
VEHICLES = ("car", "bus", "train")
PAIRS = list(itertools.product(COLOURS, (*FRUITS, *VEHICLES)))


def write(path: Path, rows: list[dict[str, Any]]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))


def retrieval() -> list[dict[str, Any]]:
    """A question about each thing, its document, and that of another colour."""
    return [
        {
            "query": f"what is the {thing} of {colour}",
            "pos": [f"the {colour} {thing}"],
            "neg": [f"a {other} {thing}" for other in COLOURS if other != colour],
            "teacher_scores": [-1.0, -2.0, -4.0],
            "task": "find it",
        }
        for colour, thing in PAIRS
    ]


def labels() -> list[dict[str, Any]]:
    return [
        {
            "query": f"how {colour} the {thing}",
            "pos": ["fruit is apple" if thing in FRUITS else "vehicle is car"],
            "neg": ["vehicle is car" if thing in FRUITS else "fruit is apple"],
            "task": "say what it is",
            "family": "long-short",
            "id": f"{colour}-{thing}",
        }
        for colour, thing in PAIRS
    ]


def graded() -> list[dict[str, Any]]:
    return [
        {"query": f"{colour} {thing}", "pos": [f"{colour} {other}"], "score": float(alike)}
        for colour, thing in PAIRS
        for other, alike in (("bird", 0.2), (thing, 1))
    ]


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "examples").mkdir()
    (tmp_path / "rows").mkdir()
    documents = [Document("-".join(pair), "", " ".join(pair)) for pair in PAIRS]
    write_corpus(tmp_path / "corpus.jsonl", {one.doc_id: one for one in documents})
    write_split(tmp_path / "dev", Split())
    return tmp_path


def run(project: Path, model: Path, changes: dict[str, Any], processes: int = 1) -> Any:
    loaded = yaml.safe_load((ROOT / "params.yaml").read_text())
    loaded["encoder"]["max_length"] = 32
    loaded["tasks"] |= {"held_out": 0.3, "learning_rate": 1e-3, "batch_size": 4, **changes}
    (project / "params.yaml").write_text(yaml.safe_dump(loaded))
    paths = {
        "base": model,
        "examples": project / "examples",
        "rows": project / "rows",
        "mined": project / "mined",
        "corpus": project / "corpus.jsonl",
        "dev": project / "dev",
        "kinds": ROOT / "stages" / "presets" / "tasks",
        "out": project / f"model-{processes}",
        "metrics": project / f"tasks-{processes}.json",
        "params": project / "params.yaml",
    }
    words = [word for name, path in paths.items() for word in (f"--{name}", str(path))]
    if processes == 1:
        return CliRunner().invoke(main, words)
    done = subprocess.run(
        [sys.executable, "-m", "stages.tasks", *words, "--processes", str(processes)],
        cwd=ROOT,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done


def test_without_tasks_nothing_is_trained(project: Path, tiny_model: Path) -> None:
    result = run(project, tiny_model, {})
    assert result.exit_code == 0, result.output
    assert result.output.startswith("tasks: nothing to train on")
    assert json.loads((project / "tasks-1.json").read_text()) == {}
    assert [path.name for path in (project / "model-1").iterdir()] == ["unused.txt"]


def test_one_model_learns_several_tasks(project: Path, tiny_model: Path) -> None:
    write(project / "rows" / "things" / "rows.jsonl", retrieval())
    write(project / "examples" / "long-short.jsonl", labels())
    write(project / "examples" / "similarity.jsonl", graded())
    changes = {
        "epochs": 8,
        "sampling": "evenly",
        "rows": [{"name": "things", "kind": "icl", "set": {"measures": ["ndcg"], "cutoffs": [3]}}],
    }
    result = run(project, tiny_model, changes)
    assert result.exit_code == 0, result.output
    tasks = json.loads((project / "tasks-1.json").read_text())["tasks"]
    assert list(tasks) == ["long-short", "similarity", "things"]
    figures = {name: task["figures"] for name, task in tasks.items()}
    assert list(figures["things"]) == ["ndcg_cut_3"]
    assert list(figures["long-short"]) == ["accuracy"]
    assert list(figures["similarity"]) == ["spearman"]
    for task in tasks.values():
        (line,) = task["figures"].values()
        assert line["n"] == task["held_out"] > 3
        assert task["trained"] + task["held_out"] == task["rows"]
        assert line["low"] <= line["delta"] <= line["high"]
        assert line["delta"] == pytest.approx(line["trained"] - line["base"], abs=2e-6)
    assert figures["things"]["ndcg_cut_3"]["delta"] > 0
    assert figures["similarity"]["spearman"]["delta"] > 0
    prompts = SentenceTransformer(str(project / "model-1"), device="cpu").prompts
    assert prompts["long-short_query"] == "Instruct: {task}\nQuery: "
    assert prompts["things_query"] == "Find solved examples that help with this one: "
    assert prompts["query"] == ""


def with_collection(project: Path) -> None:
    """A mined query for each thing; the teacher likes things of its colour."""
    corpus = read_corpus(project / "corpus.jsonl")
    mined = [
        Example(
            f"q-{colour}-{thing}",
            f"where is a {thing} in {colour}",
            {f"{colour}-{thing}": 2.0, f"{colour}-{other}": 1.0, f"{unlike}-{other}": -1.0},
            (f"{colour}-{thing}",),
            (f"{colour}-{other}", f"{unlike}-{other}"),
        )
        for colour, thing in PAIRS
        for other in [next(each for each in (*FRUITS, *VEHICLES) if each != thing)]
        for unlike in [next(each for each in COLOURS if each != colour)]
    ]
    (project / "mined").mkdir()
    write_mined(project / "mined", Mined("fusion", mined, [], []), corpus)


def test_a_collection_trains_beside_the_examples_and_is_measured_by_its_dev(
    project: Path, tiny_model: Path
) -> None:
    with_collection(project)
    write(project / "examples" / "long-short.jsonl", labels())
    queries = {f"dev-{colour}": f"how of the {colour} bus" for colour in COLOURS}
    qrels = {f"dev-{colour}": {f"{colour}-bus": 2, f"{colour}-car": 0} for colour in COLOURS}
    write_split(project / "dev", Split(queries, qrels))
    result = run(project, tiny_model, {"epochs": 6, "sampling": "evenly"})
    assert result.exit_code == 0, result.output
    tasks = json.loads((project / "tasks-1.json").read_text())["tasks"]
    assert list(tasks) == ["long-short", "collection"]
    of_collection = tasks["collection"]
    assert (of_collection["trained"], of_collection["held_out"]) == (18, 3)
    figure = of_collection["figures"]["ndcg_cut_10"]
    assert figure["n"] == 3
    # of 18 documents each query has one that is right, whoever ranks
    model = SentenceTransformer(str(project / "model-1"), device="cpu")
    texts = [" ".join(pair) for pair in PAIRS]
    cosines = model.encode(list(queries.values())) @ model.encode(texts).T
    places = [
        int((row > row[texts.index(f"{colour} bus")]).sum())
        for row, colour in zip(cosines, COLOURS, strict=True)
    ]
    wanted = np.mean([1 / np.log2(place + 2) if place < 10 else 0.0 for place in places])
    assert figure["trained"] == pytest.approx(wanted, abs=1e-6)
    assert tasks["long-short"]["figures"]["accuracy"]["n"] > 3


def test_without_dev_queries_some_rows_of_the_collection_measure(
    project: Path, tiny_model: Path
) -> None:
    with_collection(project)
    result = run(project, tiny_model, {"held_out": 0.4})
    assert result.exit_code == 0, result.output
    (line,) = json.loads((project / "tasks-1.json").read_text())["tasks"].values()
    assert line["trained"] + line["held_out"] == line["rows"] == 18
    assert line["figures"]["ndcg_cut_10"]["n"] == line["held_out"] > 0


@pytest.mark.slow
def test_two_processes_train_what_one_trains(project: Path, tiny_model: Path) -> None:
    # 16 and 8 rows fill batches of 4; groups of unlike size, and a graded task
    write(
        project / "rows" / "things" / "rows.jsonl",
        [*retrieval()[:15], labels()[0] | {"teacher_scores": [0.0, -1.0]}],
    )
    write(project / "rows" / "alike" / "rows.jsonl", graded()[:8])
    changes = {
        "held_out": 0,
        "rows": [
            {"name": "things", "kind": "icl", "set": {"contrastive_weight": 0.5}},
            {"name": "alike", "kind": "similarity", "set": {}},
        ],
    }
    assert run(project, tiny_model, changes).exit_code == 0
    run(project, tiny_model, changes, processes=2)
    texts = ["the red apple", "what is a bus", "bird"]
    base, one, two = (
        SentenceTransformer(str(folder), device="cpu").encode(texts)
        for folder in (tiny_model, project / "model-1", project / "model-2")
    )
    # bfloat16 rounds otherwise where other texts stand beside a text
    assert np.abs(one - two).max() < 0.1 * np.abs(one - base).max()


FAULTY = {"query": "what", "pos": ["the red"], "neg": ["a"], "teacher_scores": [1.0]}


@pytest.mark.parametrize(
    ("rows", "entry", "fault"),
    [
        (
            [*retrieval(), FAULTY],
            {"kind": "qa", "set": {}},
            "rows.jsonl:19: teacher_scores has 1 numbers for the 2 documents",
        ),
        (
            [{**retrieval()[0], "pos_index": [7]}],
            {"kind": "qa", "set": {}},
            "rows.jsonl:1: pos_index: 7 is beyond the corpus, which has 2 documents",
        ),
        (labels(), {"kind": "qa", "set": {}}, "rows.jsonl:1: no teacher_scores, and things learns"),
        ([], {"kind": "qa", "set": {}}, "rows.jsonl: no rows"),
        (labels(), {"kind": "cooking", "set": {}}, "things: no kind or family of tasks is called"),
        (labels(), {"kind": "tool", "set": {"heat": 1}}, "tasks.rows: things: heat: no such value"),
        (labels(), {"kind": "tool", "set": {"cutoffs": [0]}}, "things: cutoffs.0: Input should"),
    ],
)
def test_a_fault_is_told_in_one_line(
    project: Path, tiny_model: Path, rows: list[dict[str, Any]], entry: dict[str, Any], fault: str
) -> None:
    write(project / "rows" / "things" / "rows.jsonl", rows)
    corpus = [{"title": "", "text": "the red apple"}, {"title": "", "text": "a bus"}]
    write(project / "rows" / "things" / "corpus.jsonl", corpus)
    result = run(project, tiny_model, {"rows": [{"name": "things", **entry}]})
    assert result.exit_code == 1
    assert fault in result.output
    assert result.output.startswith("Error: ")
    assert result.output.count("\n") == 1
    assert not (project / "model-1").exists()


def test_a_task_without_a_file_and_an_unknown_family(project: Path, tiny_model: Path) -> None:
    result = run(project, tiny_model, {"rows": [{"name": "things", "kind": "qa", "set": {}}]})
    assert "things/rows.jsonl: no such file; bring rows with make import-rows" in result.output
    write(project / "examples" / "long-middle.jsonl", labels())
    result = run(project, tiny_model, {})
    assert (
        "long-middle.jsonl:1: no kind or family of tasks is called 'long-middle'" in result.output
    )
