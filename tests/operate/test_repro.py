"""What a run tells, with the real DVC and two stages in the small."""

import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from tests.imports import ROOT

PIPELINE = """
stages:
  first:
    cmd: echo "first, 3 documents"; cp given.txt first.txt; touch empty.txt
    deps: [given.txt]
    outs: [first.txt, empty.txt]
  second:
    cmd: grep good first.txt > second.txt && echo "second, done"
    deps: [first.txt]
    outs: [second.txt]
  watch:
    cmd: echo "watch, looked"; date > seen.txt
    always_changed: true
    outs: [seen.txt]
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    subprocess.run(["dvc", "init", "--no-scm", "-q"], cwd=tmp_path, check=True)
    (tmp_path / "dvc.yaml").write_text(PIPELINE)
    (tmp_path / "given.txt").write_text("good")
    return tmp_path


FETCH = """
stages:
  base:
    cmd: echo "base, looked"
    always_changed: true
    deps: [given.txt]
"""


def run(project: Path) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-m", "stages.operate.repro"],
        cwd=project,
        env={"PYTHONPATH": str(ROOT), "PATH": f"{Path(sys.executable).parent}:/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_run_tells_a_line_a_stage_and_nothing_else(project: Path) -> None:
    done = run(project)
    assert done.returncode == 0, done.stderr
    *lines, last = done.stdout.splitlines()
    assert sorted(lines) == ["first, 3 documents", "second, done", "watch, looked"]
    assert last.startswith("repro: 3 of 3 stages ran or were found in the cache, ")
    assert done.stderr == ""
    again = run(project).stdout
    assert again == "watch, looked\nNothing has changed since the last run.\n"
    (project / "given.txt").write_text("bad")
    failed = run(project)
    assert (failed.returncode, failed.stdout.replace("watch, looked\n", "")) == (
        1,
        "first, 3 documents\n",
    )
    assert failed.stderr.startswith("Error: failed to reproduce 'second'")
    assert failed.stderr.count("\n") == 1
    (project / "dvc.yaml").write_text("stages: [")
    broken = run(project)
    assert (broken.returncode, broken.stderr.count("\n")) == (1, 1)
    assert "dvc.yaml" in broken.stderr


def test_the_stage_that_always_runs_is_left_out_unless_a_model_is_a_folder(project: Path) -> None:
    (project / "dvc.yaml").write_text(FETCH)
    settings = (ROOT / "params.yaml").read_text()
    (project / "params.yaml").write_text(settings)
    nothing = "Nothing has changed since the last run.\n"
    assert run(project).stdout == "base, looked\n" + nothing
    assert run(project).stdout == nothing
    values = yaml.safe_load(settings)
    for section, key in (("base", "model"), ("mine", "cross_encoder"), ("documents", "model")):
        one = values[section] | {key: str(project)}
        (project / "params.yaml").write_text(yaml.safe_dump(values | {section: one}))
        assert run(project).stdout == "base, looked\n" + nothing
    (project / "params.yaml").write_text(settings)
    (project / "given.txt").write_text("better")
    assert run(project).stdout == "base, looked\n" + nothing
    assert run(project).stdout == nothing
    (project / "params.yaml").write_text(settings + "sead: 1\n")
    wrong = run(project)
    assert (wrong.returncode, wrong.stderr.count("\n")) == (1, 1)
    assert "sead" in wrong.stderr
