"""A DVC that was killed at a bad moment runs again."""

import json
import shlex
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner
from dvc.schema import COMPILED_LOCKFILE_SCHEMA
from voluptuous import Invalid

from stages.operate.mend import is_lock, main
from tests.commands import attempt, call, commit
from tests.imports import ROOT


@pytest.fixture(scope="module")
def committed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A repository with a stage that ran, and its lock in git."""
    folder = tmp_path_factory.mktemp("committed")
    call(folder, "git", "init", "-q")
    call(folder, "dvc", "init", "-q")
    stage = {"cmd": "echo done > out", "outs": ["out"]}
    (folder / "dvc.yaml").write_text(yaml.safe_dump({"stages": {"one": stage}}))
    call(folder, "dvc", "repro", "-q")
    commit(folder, "ran")
    return folder


@pytest.fixture
def pipeline(committed: Path, tmp_path: Path) -> Path:
    """A copy of that repository."""
    return Path(shutil.copytree(committed, tmp_path / "pipeline", symlinks=True))


def mend(folder: Path) -> str:
    """What it says, run there."""
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        result = CliRunner().invoke(main, [], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.output


def test_what_is_whole_is_left_in_silence(pipeline: Path) -> None:
    (pipeline / ".dvc/tmp/rwlock").write_text("{}")
    before = (pipeline / "dvc.lock").read_bytes()
    assert mend(pipeline) == ""
    assert (pipeline / "dvc.lock").read_bytes() == before
    assert (pipeline / ".dvc/tmp/rwlock").exists()


def test_a_broken_rwlock_goes(pipeline: Path) -> None:
    (pipeline / ".dvc/tmp/rwlock").write_text(json.dumps({"/out": {"write": {}}})[:9])
    assert attempt(pipeline, "dvc", "repro").returncode != 0
    assert "removed .dvc/tmp/rwlock" in mend(pipeline)
    assert "up to date" in call(pipeline, "dvc", "repro")


@pytest.mark.parametrize("left", [b"", b"schema: '2", b"schema: '2.0'\nstages:\n  one:\n    outs"])
def test_a_broken_lock_is_put_aside_and_restored(pipeline: Path, left: bytes) -> None:
    lock = pipeline / "dvc.lock"
    before = lock.read_bytes()
    lock.write_bytes(left)
    assert attempt(pipeline, "dvc", "repro").returncode != 0
    assert "dvc.lock was broken and is now .dvc/tmp/dvc.lock.broken; restored" in mend(pipeline)
    assert lock.read_bytes() == before
    assert "up to date" in call(pipeline, "dvc", "repro")


@pytest.mark.parametrize("command", [("dvc", "repro", "-q"), ("-m", "stages.operate.repro")])
def test_a_running_dvc_keeps_its_locks(pipeline: Path, command: tuple[str, ...]) -> None:
    (pipeline / "stages").symlink_to(ROOT / "stages")
    (pipeline / "dvc.yaml").write_text(yaml.safe_dump({"stages": {"two": {"cmd": "sleep 60"}}}))
    python = Path(sys.executable)
    first = python.with_name("dvc") if command[0] == "dvc" else python
    words = [str(first), *command[command[0] == "dvc" :]]
    with subprocess.Popen(words, cwd=pipeline, stdin=subprocess.DEVNULL) as running:
        time.sleep(1)
        try:
            (pipeline / ".dvc/tmp/rwlock").write_text("{")
            said = call(pipeline, sys.executable, "-m", "stages.operate.mend")
            assert f"left alone, since DVC runs here (pid {running.pid})" in said
        finally:
            running.kill()
    assert (pipeline / ".dvc/tmp/rwlock").read_text() == "{"


def test_dvc_takes_just_the_beginnings_of_a_lock_that_count_as_whole() -> None:
    lines = (ROOT / "dvc.lock").read_text().splitlines(keepends=True)
    ends = [number for number, line in enumerate(lines) if line.startswith("  ") and line[2] != " "]
    text = "".join(lines[: ends[2]])  # of two stages
    for end in range(len(text)):
        try:
            value = yaml.load(text[:end], yaml.CSafeLoader)
        except yaml.YAMLError:
            continue
        assert is_lock(value) == taken(value), text[:end][-80:]


def test_a_hash_that_was_cut_off_after_a_zero_is_no_lock() -> None:
    def lock(md5: object) -> dict[str, object]:
        outs = [{"path": "out", "hash": "md5", "md5": md5}]
        return {"schema": "2.0", "stages": {"one": {"cmd": "true", "outs": outs}}}

    for md5 in (0, "0d", "0d3e5a7b9c1f2e4d6a8b0c2d4e6f8a0b", None):
        assert is_lock(lock(md5)) == taken(lock(md5)), md5
    assert not is_lock(lock(0))


def taken(value: object) -> bool:
    try:
        COMPILED_LOCKFILE_SCHEMA(value)
    except Invalid:
        return False
    return True


def on_a_small_disk(folder: Path, config: str, script: str) -> str:
    """What a script prints that runs on a file system of 5 MB, with a stage that writes 3."""
    (folder / "small").mkdir()
    (folder / "config").write_text(config)
    stage = {"cmd": "head -c 3000000 /dev/urandom > out", "outs": ["out"]}
    pipeline = yaml.safe_dump({"stages": {"one": stage}})
    prepare = [
        'mount -t tmpfs -o size=5m none "$1"',
        'cd "$1"',
        "git init -q",
        "dvc init -q",
        "cp ../config .dvc/config",
        f"echo {shlex.quote(pipeline)} > dvc.yaml",
        f"ln -s {ROOT / 'stages'} stages",
    ]
    whole = " && ".join([*prepare, script])
    return call(folder, "unshare", "-rm", "sh", "-c", whole, "sh", str(folder / "small"))


@pytest.fixture
def mounts() -> None:
    command = ["unshare", "-rm", "mount", "-t", "tmpfs", "none", "/mnt"]
    if not shutil.which("unshare") or subprocess.run(command, check=False).returncode:
        pytest.skip("no file system can be mounted here")


@pytest.mark.usefixtures("mounts")
def test_what_a_full_disk_left_in_the_cache_goes(tmp_path: Path) -> None:
    python = sys.executable
    said = on_a_small_disk(
        tmp_path,
        "[cache]\ntype = copy\n",
        f"if dvc repro -q; then exit 9; fi; find .dvc/cache -name '*.tmp' | wc -l; "
        f"{python} -m stages.operate.mend; find .dvc/cache -name '*.tmp' | wc -l",
    )
    counts = [line for line in said.splitlines() if line.isdigit()]
    assert counts == ["2", "0"], "the copy, and an empty one by which DVC tries links"
    assert "removed 2 unfinished copies" in said


@pytest.mark.usefixtures("mounts")
def test_outputs_take_their_place_on_the_disk_once(tmp_path: Path) -> None:
    config = (ROOT / ".dvc/config").read_text()
    said = on_a_small_disk(tmp_path, config, "dvc repro -q && stat -c %h out")
    assert said.splitlines()[-1] == "2"
