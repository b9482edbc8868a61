import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.vespa.judge import Judge, Unavailable, build
from tests.vespa.standin import StandIn
from tests.vespa.workspace import Workspace, write_workspace

UNJUDGED = pytest.StashKey[str]()
"""Why Vespa's own code was not asked."""


@pytest.fixture(scope="session")
def original(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    return write_workspace(tmp_path_factory.mktemp("original") / "workspace")


@pytest.fixture
def workspace(original: Workspace, tmp_path: Path) -> Workspace:
    """A workspace of the test's own, with its model, export and vectors made."""
    return Workspace(Path(shutil.copytree(original.folder, tmp_path / "workspace")))


@pytest.fixture
def vespa(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[StandIn]:
    """A stand-in that the environment points to."""
    standin = StandIn().start()
    monkeypatch.setenv("VESPA_TARGET", standin.url)
    monkeypatch.setenv("VESPA_ENDPOINT", standin.url)
    monkeypatch.setenv("VESPA_CLI_HOME", str(tmp_path / "cli"))
    yield standin
    standin.stop()


@pytest.fixture(scope="session")
def judge(request: pytest.FixtureRequest) -> Iterator[Judge]:
    """Vespa's own code; without Java or Maven its tests are skipped, but not where CI is set."""
    try:
        class_path = build()
    except Unavailable as fault:
        if os.environ.get("CI"):
            pytest.fail(f"CI is set, but there is {fault}", pytrace=False)
        request.config.stash[UNJUDGED] = str(fault)
        pytest.skip(str(fault))
    except RuntimeError as fault:
        pytest.fail(str(fault), pytrace=False)
    judge = Judge(class_path)
    yield judge
    judge.close()


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    """One line for all tests that need the judge."""
    if UNJUDGED in config.stash:
        terminalreporter.write_line(
            f"Not checked: what Vespa itself says of our packages ({config.stash[UNJUDGED]})"
        )
