import shutil
from pathlib import Path

import pytest

from tests.vespa.project import Project, write_project


@pytest.fixture(scope="session")
def original(tmp_path_factory: pytest.TempPathFactory) -> Project:
    return write_project(tmp_path_factory.mktemp("original") / "project")


@pytest.fixture
def project(original: Project, tmp_path: Path) -> Project:
    """A project of the test's own, with its model, export and vectors made."""
    return Project(Path(shutil.copytree(original.folder, tmp_path / "project")))
