"""Files and folders of a size that a reader takes in."""

import re
from collections import Counter
from pathlib import Path

import pytest

from tests.imports import ROOT

LINES = 300
MODULES = 14
STAGES = ROOT / "stages"
AROUND = {"__init__.py", "__main__.py", "conftest.py"}

FILES = sorted(path for part in ("stages", "tests") for path in (ROOT / part).rglob("*.py"))


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.relative_to(ROOT).as_posix())
def test_a_file_is_short(file: Path) -> None:
    assert len(file.read_text(encoding="utf-8").splitlines()) <= LINES


def test_a_folder_has_few_modules() -> None:
    modules = Counter(path.parent for path in FILES if path.name not in AROUND)
    del modules[STAGES]  # as many as the pipeline has, and nothing else
    assert {folder: count for folder, count in modules.items() if count > MODULES} == {}
    stages = {path.stem for path in STAGES.glob("*.py") if path.name not in AROUND}
    called = re.findall(r"python -m stages\.(\w+)", (ROOT / "dvc.yaml").read_text())
    assert stages == {*called, "cli"}
