import errno
import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stages.lib.core.files import (
    building,
    clear_leftovers,
    read_json,
    read_jsonl,
    write_jsonl,
    writing,
)
from stages.lib.errors import UserError


@given(st.lists(st.dictionaries(st.text(), st.text() | st.integers() | st.none(), min_size=1)))
def test_jsonl_round_trip(
    tmp_path_factory: pytest.TempPathFactory, rows: list[dict[str, Any]]
) -> None:
    path = tmp_path_factory.mktemp("jsonl") / "rows.jsonl"
    rows = [json.loads(json.dumps(row)) for row in rows]
    write_jsonl(path, rows)
    assert [row for _, row in read_jsonl(path)] == rows


def test_a_failing_writer_leaves_the_old_file_alone(tmp_path: Path) -> None:
    path = tmp_path / "out.txt"
    path.write_text("old")
    with pytest.raises(RuntimeError), writing(path) as file:
        file.write("half")
        raise RuntimeError
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_failing_builder_leaves_the_old_folder_alone(tmp_path: Path) -> None:
    folder = tmp_path / "out"
    folder.mkdir()
    (folder / "old").touch()
    with pytest.raises(RuntimeError), building(folder) as part:
        (part / "new").touch()
        raise RuntimeError
    assert [each.name for each in folder.iterdir()] == ["old"]
    assert list(tmp_path.iterdir()) == [folder]


def test_building_makes_an_empty_folder_too(tmp_path: Path) -> None:
    with building(tmp_path / "nothing"):
        pass
    assert (tmp_path / "nothing").is_dir()


def test_building_replaces_the_whole_folder(tmp_path: Path) -> None:
    folder = tmp_path / "out"
    folder.mkdir()
    (folder / "old").touch()
    with building(folder) as part:
        (part / "new").touch()
    assert [each.name for each in folder.iterdir()] == ["new"]


def test_a_full_disk_is_one_line(tmp_path: Path) -> None:
    path = tmp_path / "out.txt"
    message = r"out.txt: cannot be written \(No space left on device\)"
    with pytest.raises(UserError, match=message), writing(path):
        raise OSError(errno.ENOSPC, "No space left on device")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        (b'{"a": 1}\n{"a": \n', r"rows.jsonl:2: not JSON"),
        (b'{"a": 1}\n\n[1]\n', r"rows.jsonl:3: expected a JSON object, got list"),
        (b'{"a": 1}\n{"a": "\xe9"}\n', r"rows.jsonl:2: not UTF-8"),
    ],
)
def test_malformed_lines_are_named(tmp_path: Path, raw: bytes, message: str) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_bytes(raw)
    with pytest.raises(UserError, match=message):
        list(read_jsonl(path))


def test_missing_files_are_named(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="nothing.json: no such file"):
        read_json(tmp_path / "nothing.json")


def test_leftovers_of_dead_processes_go(tmp_path: Path) -> None:
    with subprocess.Popen(["true"]) as dead:
        pass
    (tmp_path / f".corpus.jsonl.{dead.pid}.part").write_text("half")
    (tmp_path / f".base.{dead.pid}.part" / "deep").mkdir(parents=True)
    kept = [f".corpus.jsonl.{os.getpid()}.part", ".mine.part", f"out.{dead.pid}.part"]
    for name in kept:
        (tmp_path / name).touch()
    clear_leftovers(tmp_path)
    assert sorted(each.name for each in tmp_path.iterdir()) == sorted(kept)
    clear_leftovers(tmp_path / "not there")


def test_a_folder_that_cannot_be_made_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    path = tmp_path / "file" / "sub" / "out"
    with pytest.raises(UserError, match=r"file/sub/out: cannot be written"), building(path):
        pass
    with pytest.raises(UserError, match=r"file/sub/out: cannot be written"), writing(path):
        pass


def test_a_fault_of_another_file_is_not_laid_on_what_is_written(tmp_path: Path) -> None:
    out, other = tmp_path / "out" / "rows", tmp_path / "in" / "rows"
    with pytest.raises(UserError, match=r"in/rows: No such file.* while .*out/rows"), writing(out):
        other.read_text()
