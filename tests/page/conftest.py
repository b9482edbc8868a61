from pathlib import Path

import pytest

from stages.lib.page.web.application import Parts
from stages.lib.params import Params
from tests.page.small import make_parts


@pytest.fixture
def parts(tmp_path: Path, params: Params, monkeypatch: pytest.MonkeyPatch) -> Parts:
    monkeypatch.setenv("EMBEDSMITH_HOME", str(tmp_path / "home"))
    return make_parts(tmp_path, params)
