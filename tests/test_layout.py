"""Files and folders of a size that a reader takes in."""

from collections import Counter
from pathlib import Path

import pytest

from tests.imports import ROOT

LINES = 300
MODULES = 14
EDGE = {"__init__.py", "__main__.py", "cli.py", "conftest.py"}
"""What a folder has besides its modules: `stages/` holds the stages, and the edge of them all."""

FILES = sorted(path for part in ("stages", "tests") for path in (ROOT / part).rglob("*.py"))


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.relative_to(ROOT).as_posix())
def test_a_file_is_short(file: Path) -> None:
    assert len(file.read_text(encoding="utf-8").splitlines()) <= LINES


def test_a_folder_has_few_modules() -> None:
    modules = Counter(path.parent for path in FILES if path.name not in EDGE)
    assert {folder: count for folder, count in modules.items() if count > MODULES} == {}
