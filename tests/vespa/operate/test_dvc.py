import json
import shutil
from pathlib import Path

import pytest
import yaml

from tests.commands import attempt, call
from tests.vespa.standin import StandIn
from tests.vespa.workspace import ROOT, TEXTS, Workspace, check

DEPLOY = "application-package/dvc.yaml:deploy"


def dvc(folder: Path, *arguments: str) -> str:
    return call(folder, "dvc", *arguments)


@pytest.fixture
def clone(workspace: Workspace, tmp_path: Path) -> Path:
    """A workspace as DVC sees it, with the pipeline's outputs in their places."""
    check(workspace.package())
    folder = tmp_path / "clone"
    code = shutil.ignore_patterns("__pycache__", "dvc.lock", "build")
    for name in ("stages", "application-package"):
        shutil.copytree(ROOT / name, folder / name, ignore=code)
    shutil.copytree(workspace.folder / "collection", folder / "data" / "collection")
    shutil.copytree(workspace.folder / "collection/dev", folder / "data/synthetic/dev")
    shutil.copytree(workspace.folder / "package", folder / "data" / "package")
    shutil.copytree(workspace.folder / "vectors", folder / "data" / "vectors" / "tuned")
    shutil.copytree(workspace.folder / "tuned", folder / "models" / "tuned")
    (folder / "data" / "metrics").mkdir()
    shutil.copy(workspace.folder / "export.json", folder / "data" / "metrics" / "export.json")
    gate = {"model": {"passed": True, "reason": ""}}
    (folder / "data" / "metrics" / "gate.json").write_text(json.dumps(gate), encoding="utf-8")
    shutil.copy(workspace.folder / "params.yaml", folder / "params.yaml")
    pipeline = {"stages": {"nothing": {"cmd": "true"}}}
    (folder / "dvc.yaml").write_text(yaml.safe_dump(pipeline), encoding="utf-8")
    dvc(folder, "init", "--no-scm", "--quiet")
    return folder


def test_deploy_runs_each_time_and_a_refused_one_leaves_the_receipt_of_what_is_live(
    clone: Path, vespa: StandIn
) -> None:
    dvc(clone, "repro")
    assert not vespa.requests, "it never runs by itself"
    assert "Running stage" in dvc(clone, "repro", DEPLOY)
    path = clone / "data/metrics/deploy.json"
    receipt = path.read_bytes()
    assert json.loads(receipt)["documents"] == len(TEXTS)
    assert vespa.requests["write"] == len(TEXTS)
    # nothing that DVC sees has changed, but documents are gone, and there is no room for them
    vespa.container.documents.clear()
    vespa.full = True
    before = vespa.requests["deploy"]
    done = attempt(clone, "dvc", "repro", DEPLOY)
    assert "Running stage" in done.stdout
    assert vespa.requests["deploy"] > before
    assert done.returncode != 0
    assert path.read_bytes() == receipt


def test_dependencies_of_the_stage_exist() -> None:
    stage = yaml.safe_load((ROOT / "application-package/dvc.yaml").read_text())["stages"]["deploy"]
    for path in stage["deps"]:
        assert path.startswith(("data/", "models/")) or (ROOT / path).exists()
