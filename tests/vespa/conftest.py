import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.vespa.project import Project, write_project
from tests.vespa.standin import StandIn


@pytest.fixture(scope="session")
def original(tmp_path_factory: pytest.TempPathFactory) -> Project:
    return write_project(tmp_path_factory.mktemp("original") / "project")


@pytest.fixture
def project(original: Project, tmp_path: Path) -> Project:
    """A project of the test's own, with its model, export and vectors made."""
    return Project(Path(shutil.copytree(original.folder, tmp_path / "project")))


@pytest.fixture
def vespa(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[StandIn]:
    """A stand-in that the environment points to."""
    standin = StandIn().start()
    monkeypatch.setenv("VESPA_TARGET", standin.url)
    monkeypatch.setenv("VESPA_ENDPOINT", standin.url)
    monkeypatch.setenv("VESPA_CLI_HOME", str(tmp_path / "cli"))
    yield standin
    standin.stop()
