import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.conftest import UNJUDGED
from tests.vespa.judge import Judge, Unavailable, build

if TYPE_CHECKING:
    from tests.vespa.standin import StandIn
    from tests.vespa.workspace import Workspace

# Imported where they are used: without them, Vespa's own code is asked without loading torch.


@pytest.fixture(scope="session")
def original(tmp_path_factory: pytest.TempPathFactory) -> "Workspace":
    from tests.vespa.workspace import write_workspace

    return write_workspace(tmp_path_factory.mktemp("original") / "workspace")


@pytest.fixture
def workspace(original: "Workspace", tmp_path: Path) -> "Workspace":
    """A workspace of the test's own, with its model, export and vectors made."""
    from tests.vespa.workspace import Workspace

    return Workspace(Path(shutil.copytree(original.folder, tmp_path / "workspace")))


@pytest.fixture
def vespa(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> "Iterator[StandIn]":
    """A stand-in that the environment points to."""
    from tests.vespa.deployments import hurry
    from tests.vespa.standin import StandIn

    standin = StandIn().start()
    hurry(monkeypatch)
    monkeypatch.setenv("VESPA_TARGET", standin.url)
    monkeypatch.setenv("VESPA_ENDPOINT", standin.url)
    monkeypatch.setenv("VESPA_CLI_HOME", str(tmp_path / "cli"))
    yield standin
    standin.stop()


@pytest.fixture(scope="session")
def judge() -> Iterator[Judge]:
    """Vespa's own code; without Java or Maven its tests are skipped, but not where CI is set."""
    try:
        class_path = build()
    except Unavailable as fault:
        if os.environ.get("CI"):
            pytest.fail(f"CI is set, but there is {fault}", pytrace=False)
        pytest.skip(f"{UNJUDGED} ({fault})")
    except RuntimeError as fault:
        pytest.fail(str(fault), pytrace=False)
    judge = Judge(class_path)
    yield judge
    judge.close()
