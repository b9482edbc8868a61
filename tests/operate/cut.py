"""Runs DVC as its own command does, and kills it while it writes one of its files.

python cut.py NAME OPENING WRITE ARGUMENT…: at the OPENING-th time that a file of this name is
opened to be written, half of its WRITE-th write reaches the disk, and then comes SIGKILL. The 0th
write is the moment after the opening, when the file is empty.
"""

import builtins
import os
import signal
import sys
from pathlib import Path
from types import TracebackType
from typing import Any

OPEN = builtins.open


class Cut:
    """A text file that the process does not survive."""

    def __init__(self, file: Any, writes: int) -> None:
        self._file = file
        self._left = writes
        if not writes:
            self._die()

    def write(self, text: str) -> int:
        self._left -= 1
        if self._left:
            return int(self._file.write(text))
        self._file.write(text[: len(text) // 2])
        return self._die()

    def _die(self) -> int:
        self._file.flush()
        os.kill(os.getpid(), signal.SIGKILL)
        return 0

    def __enter__(self) -> "Cut":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        sys.exit(f"{self._file.name} was written to its end by fewer writes")

    def __getattr__(self, name: str) -> Any:
        return getattr(self._file, name)


def main(name: str, opening: int, writes: int) -> None:
    opened = 0

    def cutting(path: Any, mode: str = "r", *arguments: Any, **named: Any) -> Any:
        nonlocal opened
        file = OPEN(path, mode, *arguments, **named)
        if "w" in mode and isinstance(path, str | os.PathLike) and Path(path).name == name:
            opened += 1
            if opened == opening:
                return Cut(file, writes)
        return file

    builtins.open = cutting  # type: ignore[assignment]
    from dvc.cli import main as dvc

    sys.exit(dvc())


if __name__ == "__main__":
    file_name, nth, count = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    sys.argv = ["dvc", *sys.argv[4:]]
    main(file_name, nth, count)
