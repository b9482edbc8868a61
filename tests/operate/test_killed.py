"""DVC killed while it writes its own files goes on afterwards, and nothing runs twice."""

import shutil
import signal
import sys
from pathlib import Path

import pytest
import yaml

from tests.commands import attempt, call, commit
from tests.operate.test_mend import mend

CUT = Path(__file__).with_name("cut.py")


@pytest.fixture(scope="module")
def committed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A repository of two stages that note each run of theirs; the first one ran and is in git."""
    folder = tmp_path_factory.mktemp("committed")
    call(folder, "git", "init", "-q")
    call(folder, "dvc", "init", "-q")
    first = {"cmd": "echo first >> ran; echo 1 > one", "outs": ["one"]}
    second = {"cmd": "echo second >> ran; cat one one > two", "deps": ["one"], "outs": ["two"]}
    (folder / "dvc.yaml").write_text(yaml.safe_dump({"stages": {"a": first, "b": second}}))
    (folder / ".gitignore").write_text("ran\nhome\none\ntwo\n")
    call(folder, "dvc", "repro", "-q", "a")
    commit(folder, "the first stage ran")
    return folder


@pytest.mark.parametrize(
    ("name", "opening", "write", "after"),
    [
        ("dvc.lock", 1, 0, True),
        ("dvc.lock", 1, 9, True),
        ("rwlock", 1, 0, False),
        ("rwlock", 12, 5, False),
        ("rwlock", 26, 1, True),
    ],
)
def test_dvc_goes_on_and_nothing_runs_twice(
    committed: Path, tmp_path: Path, name: str, opening: int, write: int, after: bool
) -> None:
    """`after`: whether the stage ran before the moment came."""
    folder = Path(shutil.copytree(committed, tmp_path / "project", symlinks=True))
    killed = attempt(folder, sys.executable, str(CUT), name, str(opening), str(write), "repro")
    assert killed.returncode == -signal.SIGKILL, killed.stdout + killed.stderr
    ran = (folder / "ran").read_text().split()
    assert ran == (["first", "second"] if after else ["first"]), "the moment is another"
    assert attempt(folder, "dvc", "repro").returncode != 0, "DVC mends it by itself"
    assert name in mend(folder)
    call(folder, "dvc", "repro")
    assert (folder / "two").read_text() == "1\n1\n"
    assert (folder / "ran").read_text().split() == ["first", "second"]
    assert mend(folder) == ""
