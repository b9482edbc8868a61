"""The real pipeline, by the real dvc, on forty passages in a repository of its own.

Its base is the first two layers of the committed one: real words and weights, exported in a third
of the time.
"""

import json
import re
import shutil
import subprocess
import sys
from hashlib import md5
from pathlib import Path
from typing import Any

import pytest
from safetensors.torch import load_file, save_file

from stages.lib.core.collection import (
    Qrels,
    read_corpus,
    read_qrels,
    read_queries,
    write_corpus,
    write_qrels,
    write_queries,
)
from stages.lib.core.files import read_json, read_jsonl, write_json
from stages.lib.encoding.hub import copy_model, locate
from stages.lib.params import read_params
from tests.commands import attempt, call, commit
from tests.imports import ROOT
from tests.publishing.test_alone import measure_alone
from tests.unrouted import tried, uncountable

pytestmark = pytest.mark.slow

PASSAGES = 40
LAYERS = 2


@pytest.fixture(scope="module")
def sample_project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The project's files with a cut of the sample, committed, and reproduced once."""
    folder = tmp_path_factory.mktemp("project")
    listed = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.splitlines()
    for name in listed:
        if (ROOT / name).is_file() and name != "dvc.lock":
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, folder / name)
    cut_sample(folder / "data" / "sample")
    base = tmp_path_factory.mktemp("base") / "model"
    cut_base(base)
    cut_params(folder / "params.yaml", base)
    commit(folder, "cut")
    reason = uncountable(folder)
    if reason:
        call(folder, "dvc", "repro")
    else:
        count = tried(folder, "dvc", "repro")
        (folder / "home").mkdir(exist_ok=True)
        (folder / "home" / "tried").write_text(str(count))
    return folder


def cut_sample(sample: Path) -> None:
    """Leaves the passages that test queries ask for, with the queries that they answer.

    Every other dev query becomes one of a train split; the first of them has every passage as an
    answer, so that none is a negative.
    """
    corpus = dict(read_corpus(sample / "corpus.jsonl"))
    queries = read_queries(sample / "queries.jsonl")
    asked = read_qrels(sample / "qrels" / "test.tsv")
    kept = sorted({doc_id for judged in asked.values() for doc_id in judged})[:PASSAGES]
    write_corpus(sample / "corpus.jsonl", {doc_id: corpus[doc_id] for doc_id in kept})
    remaining: Qrels = {}
    for split in ("dev", "test"):
        qrels = {
            query_id: {doc_id: grade for doc_id, grade in judged.items() if doc_id in kept}
            for query_id, judged in read_qrels(sample / "qrels" / f"{split}.tsv").items()
        }
        qrels = {query_id: judged for query_id, judged in qrels.items() if judged}
        if split == "dev":
            train = dict(sorted(qrels.items())[::2])
            train[min(train)] = dict.fromkeys(kept, 1)
            write_qrels(sample / "qrels" / "train.tsv", train)
            remaining |= train
            qrels = {each: judged for each, judged in qrels.items() if each not in train}
        write_qrels(sample / "qrels" / f"{split}.tsv", qrels)
        remaining |= qrels
    write_queries(sample / "queries.jsonl", {each: queries[each] for each in remaining})


def cut_base(folder: Path) -> None:
    """The committed base without its upper layers."""
    base = read_params(ROOT / "params.yaml").base
    copy_model(locate(base.model, base.revision, "base.model"), folder)
    config = read_json(folder / "config.json")
    write_json(folder / "config.json", config | {"num_hidden_layers": LAYERS})
    weights = load_file(folder / "model.safetensors")
    for name in list(weights):
        layer = re.match(r"encoder\.layer\.(\d+)\.", name)
        if layer and int(layer[1]) >= LAYERS:
            del weights[name]
    assert len(weights) < 50, "the layers have other names"
    save_file(weights, folder / "model.safetensors", {"format": "pt"})


def cut_params(params: Path, base: Path) -> None:
    """As much work as so few passages are worth: all that is done is still done, less often."""
    text = params.read_text()
    # of the names, those of `base` come first
    for name, value in {"texts": 4, "resamples": 200, "model": base, "sha256": "null"}.items():
        text, count = re.subn(
            rf"^  {name}: [^#\n]+$", f"  {name}: {value}", text, count=1, flags=re.M
        )
        assert count == 1, name
    params.write_text(text)


def metrics(sample_project: Path, stage: str) -> dict[str, object]:
    found: dict[str, object] = json.loads(
        (sample_project / "data" / "metrics" / f"{stage}.json").read_text()
    )
    return found


def test_everything_promised_is_there(sample_project: Path) -> None:
    systems = metrics(sample_project, "evaluate")["systems"]
    assert {"bm25", "base", "tuned", "base+bm25", "tuned+bm25", "int8"} <= set(systems)  # type: ignore[call-overload]
    assert metrics(sample_project, "prepare")["documents"] == PASSAGES
    for path in (
        "data/evaluation/report.html",
        "data/evaluation/runs/tuned.trec",
        "data/package/application/services.xml",
        "data/package/feed.jsonl",
        "models/tuned",
        "models/onnx",
    ):
        assert (sample_project / path).exists(), path


def test_train_queries_of_people_are_trained_on_with_their_judgements(sample_project: Path) -> None:
    by_people = read_qrels(sample_project / "data" / "sample" / "qrels" / "train.tsv")
    mined = sample_project / "data" / "mined"
    rows = {row["query_id"]: row for _, row in read_jsonl(mined / "train.jsonl")}
    unlabelled = {row["query_id"]: row for _, row in read_jsonl(mined / "unlabelled.jsonl")}
    found = by_people.keys() & rows.keys()
    assert found
    for query_id in found:
        assert set(rows[query_id]["pos_ids"]) <= by_people[query_id].keys()
    assert min(by_people) in unlabelled
    assert by_people.keys() - found <= unlabelled.keys()
    for query_id, judged in by_people.items():
        relevant = sorted(doc_id for doc_id, grade in judged.items() if grade > 0)
        assert (rows.get(query_id) or unlabelled[query_id])["answers"] == relevant
    known = {query_id for query_id, row in (rows | unlabelled).items() if row["answers"]}
    assert known == by_people.keys(), "a document that a query was written for is no judgement"
    assert metrics(sample_project, "mine")["queries_by_people"] == len(by_people)


def test_no_stage_calls_anybody(sample_project: Path) -> None:
    count = sample_project / "home" / "tried"
    if not count.is_file():
        pytest.skip(uncountable(sample_project))
    assert count.read_text() == "0"


def test_git_sees_nothing_but_the_lock_and_the_metrics(sample_project: Path) -> None:
    changed = call(
        sample_project, "git", "status", "--porcelain", "-uall", "--", ".", ":!home"
    ).split("\n")
    names = {line[3:] for line in changed if line}
    assert all(name == "dvc.lock" or name.startswith("data/metrics/") for name in names), names


def test_what_is_taken_home_needs_no_project(sample_project: Path, tmp_path: Path) -> None:
    taken = tmp_path / "embedder"
    call(sample_project, "python", "-m", "stages.share.model", "--out", str(taken))
    found = measure_alone(taken, sample_project / "data" / "collection", tmp_path)
    systems: Any = metrics(sample_project, "evaluate")["systems"]
    assert found["project"] == []
    assert found["ndcg"] == pytest.approx(systems["tuned"]["ndcg_cut_10"], abs=0.0005)
    blocks = re.findall(r"```python\n(.+?)```", (taken / "README.md").read_text(), re.S)
    elsewhere = ("faiss", "qdrant_client", "psycopg", "langchain", "llama_index")
    code = "\n".join(each for each in blocks if not any(name in each for name in elsewhere))
    assert "onnxruntime" in code
    call(tmp_path, sys.executable, "-I", "-c", code)


def test_a_second_run_has_nothing_to_do(sample_project: Path) -> None:
    said = call(sample_project, "dvc", "repro")
    # a base in a folder may have changed, so that this one looks each time
    assert re.findall(r"Running stage '(\w+)'", said) == ["base"]


def test_no_stage_writes_into_an_output_that_is_the_caches_too(sample_project: Path) -> None:
    cache = sample_project / ".dvc" / "cache" / "files" / "md5"
    linked = 0
    for path in cache.rglob("*"):
        if path.is_file():
            digest = md5(path.read_bytes(), usedforsecurity=False).hexdigest()
            assert path.parent.name + path.name.removesuffix(".dir") == digest
            linked += path.stat().st_nlink > 1
    assert linked > 20, "outputs are links, so that a stage could"


def test_dvc_shows_metrics_and_plots(sample_project: Path) -> None:
    shown = call(sample_project, "dvc", "metrics", "show")
    assert "ndcg_cut_10" in shown
    assert max(map(len, shown.splitlines())) <= 120
    call(sample_project, "dvc", "plots", "show")
    assert (sample_project / "dvc_plots" / "index.html").is_file()
    shutil.rmtree(sample_project / "dvc_plots")


def test_a_parameter_rebuilds_only_what_depends_on_it(sample_project: Path) -> None:
    params = sample_project / "params.yaml"
    before = params.read_text()
    params.write_text(before.replace("  name: embedsmith\n", "  name: other\n"))
    said = call(sample_project, "dvc", "repro", "--dry")
    running = [line for line in said.splitlines() if line.startswith("Running stage")]
    params.write_text(before)
    # the base is looked at each time, since its folder may have changed
    assert running == ["Running stage 'base':", "Running stage 'package':"]


def test_what_was_paid_for_survives_a_failing_stage(sample_project: Path) -> None:
    store = sample_project / "data" / "llm" / "generate.jsonl"
    kept = store.read_bytes()
    params = sample_project / "params.yaml"
    before = params.read_text()
    params.write_text(before.replace("recorded: data/sample/llm", "recorded: data/sample/qrels"))
    done = attempt(sample_project, "dvc", "repro", "generate")
    params.write_text(before)
    assert done.returncode != 0
    assert "Traceback" not in done.stderr
    assert store.read_bytes() == kept
