"""The response store beside the real DVC: whatever happens to its outputs, nothing is asked twice.

The stages `rules` and `generate` are those of dvc.yaml, in repositories of their own.
"""

import json
import shutil
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from tests.commands import attempt, call, commit
from tests.imports import ROOT
from tests.llm.conftest import TOPICS
from tests.llm.server import Server

STORE = "data/llm/generate.jsonl"
QUERIES = "data/generated/queries.jsonl"
# of all calls, those for documents and those for rules
DOCUMENTS, DRAWS = len(TOPICS), 3


@pytest.fixture(scope="module")
def committed_project(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A committed project whose stages have run once, with its journal."""
    folder = tmp_path_factory.mktemp("committed") / "project"
    shutil.copytree(ROOT / "stages", folder / "stages", ignore=shutil.ignore_patterns("__pyc*"))
    (folder / ".gitignore").write_text("/home\n__pycache__\n")
    (folder / ".dvcignore").write_text("__pycache__\n")
    rows = [{"_id": f"d{n}", "text": f"About {topic}, {n}"} for n, topic in enumerate(TOPICS)]
    train = folder / "data/collection/train"
    train.mkdir(parents=True)
    for name in ("queries.jsonl", "qrels.tsv"):
        (train / name).touch()
    (folder / "data/metrics").mkdir()
    (folder / "data/reviews").mkdir()
    (folder / "data/reviews/.gitkeep").touch()
    corpus = "".join(json.dumps(row) + "\n" for row in rows)
    (folder / "data/collection/corpus.jsonl").write_text(corpus)
    write_params(folder)
    pipeline = yaml.safe_load((ROOT / "dvc.yaml").read_text())["stages"]
    stages = {name: pipeline[name] for name in ("rules", "generate")}
    (folder / "dvc.yaml").write_text(yaml.safe_dump({"stages": stages}))
    call(folder, "git", "init", "-q")
    call(folder, "dvc", "init", "-q")
    call(folder, "dvc", "config", "core.analytics", "false")
    server = Server()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("OPENAI_BASE_URL", server.url)
        patch.setenv("OPENAI_API_KEY", "key")
        call(folder, "dvc", "repro", "-q")
    server.shutdown()
    server.server_close()
    thread.join()
    assert server.stats["calls"] == DRAWS + DOCUMENTS
    commit(folder, "first")
    yield folder


@pytest.fixture
def dvc_project(committed_project: Path, tmp_path: Path, server: Server) -> Path:
    """A copy of that project, at an endpoint that has answered nothing yet."""
    assert not server.stats["calls"]
    shutil.copytree(committed_project, tmp_path / "project", symlinks=True)
    return tmp_path / "project"


def write_params(folder: Path, **generate: object) -> None:
    params = yaml.safe_load((ROOT / "params.yaml").read_text())
    params["llm"] |= {"provider": "openai", "recorded": "data/collection"}
    params["generate"] |= {"types": ["keywords", "question"], "min_words": 1, **generate}
    (folder / "params.yaml").write_text(yaml.safe_dump(params))


def repro(folder: Path) -> bytes:
    """Runs what changed; the queries."""
    call(folder, "dvc", "repro", "-q")
    return (folder / QUERIES).read_bytes()


def test_a_second_clone_pulls_what_the_first_paid_for(
    dvc_project: Path, server: Server, tmp_path: Path
) -> None:
    first = (dvc_project / QUERIES).read_bytes()
    call(dvc_project, "dvc", "remote", "add", "-q", "-d", "shared", str(tmp_path / "remote"))
    commit(dvc_project, "remote")
    call(dvc_project, "dvc", "push", "-q")
    second = tmp_path / "second"
    call(tmp_path, "git", "clone", "-q", str(dvc_project), str(second))
    call(second, "dvc", "pull", "-q")
    # another limit: the stage runs, and asks what the first clone asked
    write_params(second, max_characters=299)
    assert repro(second) == first
    assert not server.stats["calls"]
    assert not (second / "home").exists(), "all answers came from the outputs that were pulled"


def test_other_commits_find_what_each_of_them_paid_for(dvc_project: Path, server: Server) -> None:
    both = (dvc_project / QUERIES).read_bytes()
    write_params(dvc_project, types=["question"])
    one = repro(dvc_project)
    commit(dvc_project, "questions alone")
    assert server.stats["calls"] == DOCUMENTS
    for revision, queries in (("HEAD~1", both), ("-", one)):
        call(dvc_project, "git", "checkout", "-q", revision)
        call(dvc_project, "dvc", "checkout", "-q")
        assert (dvc_project / QUERIES).read_bytes() == queries
        call(dvc_project, "dvc", "repro", "-q", "--force")
        assert (dvc_project / QUERIES).read_bytes() == queries
    # back and forth within one checkout, from commands that never were committed
    write_params(dvc_project)
    assert repro(dvc_project) == both
    assert server.stats["calls"] == DOCUMENTS
    assert max(server.answered.values()) == 1


def test_an_experiment_in_a_folder_of_its_own_pays_for_the_workspace_too(
    dvc_project: Path, server: Server
) -> None:
    change = "generate.types=[question]"
    call(dvc_project, "dvc", "exp", "run", "-q", "--temp", "-S", change)
    assert server.stats["calls"] == DOCUMENTS
    assert len((dvc_project / QUERIES).read_text().splitlines()) == 2 * DOCUMENTS, "untouched"
    # DVC would take the experiment's outputs from its cache of runs: other limit, same requests
    write_params(dvc_project, types=["question"], max_characters=299)
    repro(dvc_project)
    assert server.stats["calls"] == DOCUMENTS
    call(dvc_project, "dvc", "exp", "run", "-q", "--temp", "-S", "generate.max_characters=298")
    assert server.stats["calls"] == DOCUMENTS
    assert max(server.answered.values()) == 1


def test_a_failing_stage_keeps_what_it_received(
    dvc_project: Path, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EMBEDSMITH_CONCURRENCY", "1")
    kept = (dvc_project / STORE).read_bytes()
    write_params(dvc_project, types=["question"])
    server.script = ["", "", "", "wrong_key"]
    done = attempt(dvc_project, "dvc", "repro", "-q")
    assert done.returncode != 0
    assert "refuses the key (401): Incorrect API key provided" in done.stderr + done.stdout
    assert "Traceback" not in done.stderr + done.stdout
    assert (dvc_project / STORE).read_bytes() == kept
    assert server.answered.total() == 3
    repro(dvc_project)
    assert server.answered.total() == DOCUMENTS
    assert max(server.answered.values()) == 1
