"""Reading and writing files so that nothing is ever half-written."""

import contextlib
import filecmp
import json
import os
import re
import shutil
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, TextIO

from pydantic_core import from_json, to_json

from stages.lib.errors import UserError

LEFTOVER = re.compile(r"\..+\.(\d+)\.part")


@contextlib.contextmanager
def writing(path: Path) -> Iterator[TextIO]:
    """A text file that appears under its name only once it is whole.

    It is written beside its place and renamed at the end; on an exception nothing is left.
    """
    part = _part(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with part.open("w", encoding="utf-8", newline="\n") as file:
            yield file
        part.replace(path)
    except OSError as error:
        raise _unwritten(path, part, error) from error
    finally:
        with contextlib.suppress(OSError):
            part.unlink(missing_ok=True)


@contextlib.contextmanager
def building(folder: Path) -> Iterator[Path]:
    """A folder that takes the place of `folder` only once it is whole.

    One that holds the same files stays, so that nobody has to read them again.
    """
    part = _part(folder)
    shutil.rmtree(part, ignore_errors=True)
    try:
        part.mkdir(parents=True)
        yield part
        if not (folder.is_dir() and _same(part, folder)):
            shutil.rmtree(folder, ignore_errors=True)
            part.replace(folder)
    except OSError as error:
        raise _unwritten(folder, part, error) from error
    finally:
        shutil.rmtree(part, ignore_errors=True)


UNUSED = "unused.txt"
"""A file that fills the folder of something optional that is off: DVC warns of empty folders."""


def leave_unused(folder: Path, why: str) -> None:
    """Makes the folder of something optional, with nothing but why it is off."""
    with building(folder) as part:
        (part / UNUSED).write_text(why + "\n", encoding="utf-8")


def has_files(folder: Path) -> bool:
    """Whether a folder holds something: that of something optional that is off does not."""
    if not folder.is_dir():
        raise UserError(f"{folder}: no such folder; run dvc repro")
    return any(path.name != UNUSED for path in folder.iterdir())


@contextlib.contextmanager
def scratch(folder: Path) -> Iterator[Path]:
    """A folder beside `folder` for what is in the making, which goes at the end.

    One that a killed process left goes with the next call.
    """
    clear_leftovers(folder.parent)
    part = _part(folder)
    shutil.rmtree(part, ignore_errors=True)
    try:
        part.mkdir(parents=True)
        yield part
    finally:
        shutil.rmtree(part, ignore_errors=True)


def clear_leftovers(folder: Path) -> None:
    """Removes what `writing` and `building` of dead processes left in a folder, as far as it may.

    A killed process leaves `.NAME.PID.part`; one that still runs keeps its own.
    """
    with contextlib.suppress(OSError):
        for part in sorted(folder.glob(".*.part")):
            written = LEFTOVER.fullmatch(part.name)
            if not written or is_running(int(written[1])):
                continue
            if part.is_dir() and not part.is_symlink():
                shutil.rmtree(part, ignore_errors=True)
            else:
                part.unlink(missing_ok=True)


def _same(one: Path, other: Path) -> bool:
    names, others = (
        {path.relative_to(folder) for path in folder.rglob("*")} for folder in (one, other)
    )
    return names == others and all(
        filecmp.cmp(one / name, other / name, shallow=False)
        for name in names
        if (one / name).is_file()
    )


def _part(path: Path) -> Path:
    return path.with_name(f".{path.name}.{os.getpid()}.part")


def is_running(pid: int) -> bool:
    """Whether this machine has a process of that number."""
    try:
        os.kill(pid, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except PermissionError:
        return True  # somebody else's
    return True


def _unwritten(path: Path, part: Path, error: OSError) -> UserError:
    """The fault of what was to appear under `path`, or of the other file that it speaks of."""
    other = error.filename
    if isinstance(other, str) and not {part, path, path.parent} & {
        Path(other),
        *Path(other).parents,
    }:
        return UserError(f"{other}: {error.strerror or error}, while {path} was written")
    return UserError(f"{path}: cannot be written ({error.strerror or error})")


def read_lines(path: Path) -> Iterator[tuple[int, str]]:
    """The lines of a UTF-8 file that are not blank, with their numbers from 1."""
    try:
        with path.open("rb") as file:
            for number, raw in enumerate(file, 1):
                try:
                    # Windows' editors put a byte order mark before the first line
                    line = raw.decode("utf-8-sig" if number == 1 else "utf-8")
                except UnicodeDecodeError as error:
                    raise UserError(
                        f"{path}:{number}: not UTF-8 (byte {error.start + 1} of the line); "
                        "convert the file, for example with iconv"
                    ) from error
                if line.strip():
                    yield number, line
    except FileNotFoundError as error:
        raise UserError(f"{path}: no such file") from error
    except OSError as error:
        raise UserError(f"{path}: cannot be read ({error.strerror or error})") from error


def read_text(path: Path) -> str:
    """The whole of a UTF-8 text file, without blank lines at its ends."""
    try:
        return path.read_text(encoding="utf-8").strip()
    except FileNotFoundError as error:
        raise UserError(f"{path}: no such file") from error
    except UnicodeDecodeError as error:
        raise UserError(f"{path}: not UTF-8 (byte {error.start + 1})") from error
    except OSError as error:
        raise UserError(f"{path}: cannot be read ({error.strerror or error})") from error


def read_jsonl(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    """The objects of a JSON Lines file with their line numbers from 1."""
    for number, line in read_lines(path):
        try:
            # five times as fast as the standard library's, and as exact
            row = from_json(line)
        except ValueError as error:
            fault = str(error).replace(" at line 1 column", ", column")
            fault = fault.replace("unexpected end of hex escape", "half a character")
            raise UserError(f"{path}:{number}: not JSON ({fault}); one object a line") from error
        if not isinstance(row, dict):
            raise UserError(f"{path}:{number}: expected a JSON object, got {type(row).__name__}")
        yield number, row


def write_jsonl(path: Path, rows: Iterable[dict[str, Any]]) -> None:
    """Writes one object a line, keys in the order given."""
    with writing(path) as file:
        for row in rows:
            file.write(to_json(row).decode() + "\n")


def read_json(path: Path) -> Any:
    """The value of a JSON file."""
    text = "".join(line for _, line in read_lines(path))
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        raise UserError(f"{path}:{error.lineno}: not JSON ({error.msg})") from error
    except (ValueError, RecursionError) as error:  # numbers of thousands of digits, deep nesting
        raise UserError(f"{path}: not JSON that can be read ({error})") from error


def write_json(path: Path, value: Any) -> None:
    """Writes indented JSON, keys in the order given."""
    with writing(path) as file:
        file.write(json.dumps(value, ensure_ascii=False, indent=2) + "\n")
