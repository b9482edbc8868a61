"""`make show` and `make compare` on the files of an evaluation."""

from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from stages.lib.core.files import write_json
from stages.lib.search.measures import NAMES
from stages.study import compare, show
from tests.commands import commit


def write(folder: Path, value: float) -> None:
    write_json(folder / "data/metrics/runs/tuned.json", dict.fromkeys(NAMES, value) | {"n": 4})


def run(*arguments: str) -> Result:
    return CliRunner().invoke(compare.main, arguments)


def test_measures_stand_beside_those_that_were_committed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = tmp_path / "repository" / "project"  # git's root may lie above
    write(project, 0.5)
    commit(tmp_path / "repository", "first")
    write(project, 0.75)
    commit(tmp_path / "repository", "second")
    write(project, 0.7)
    monkeypatch.chdir(project)
    assert "tuned       0.7000 (-0.0500)" in run().stdout
    assert "tuned       0.7000 (+0.2000)" in run("HEAD~1").stdout


def test_what_is_not_there_is_said_in_a_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    commit(tmp_path, "nothing measured")
    monkeypatch.chdir(tmp_path)
    write(tmp_path, 0.5)
    assert run("HEAD").stderr == (
        "Error: HEAD: holds no data/metrics/runs; name a revision that does\n"
    )
    assert run("nowhere").stderr.startswith("Error: git ls-tree: fatal: ")
    commit(tmp_path, "measured")
    (tmp_path / "data/metrics/runs/tuned.json").unlink()
    assert run().stderr == "Error: data/metrics/runs: holds no measures; run make repro\n"
    said = CliRunner().invoke(show.main, []).stderr
    assert said == "Error: data/metrics/evaluate.json: no such file; run make repro\n"
