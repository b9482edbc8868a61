import errno
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stages.lib.core.files import building, read_json, read_jsonl, write_jsonl, writing
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
