import os
from collections.abc import Callable, Iterator
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from xdist.remote import Producer
from xdist.scheduler import LoadScopeScheduling

os.environ["HF_HUB_OFFLINE"] = "1"
# tests run beside each other, so that a thread each is enough; torch reads it when it is imported
os.environ["OMP_NUM_THREADS"] = "1"

from stages.lib.params import Params, read_params
from tests.imports import ROOT as ROOT

if TYPE_CHECKING:
    from tests.embedders.server import EmbeddingServer

Change = Callable[[dict[str, Any]], Params]
"""Makes parameters that differ from the committed ones in the values given, by dotted key."""

DEAREST = ("test_end_to_end.py", "vespa/judge", "vespa/operate")
"""Tests that take minutes, by file or folder."""

UNJUDGED = "Not checked: what Vespa itself says of our packages"


class ByFolder(LoadScopeScheduling):  # type: ignore[misc]
    """Gives the tests of a folder to one worker, since they share fixtures."""

    def _split_scope(self, nodeid: str) -> str:
        path = PurePosixPath(nodeid.split("::")[0])
        return str(path if path.parent == PurePosixPath("tests") else path.parent)


@pytest.hookimpl(tryfirst=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> ByFolder:
    return ByFolder(config, log)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Lets workers begin with the dearest."""
    if hasattr(config, "workerinput"):
        dearest = tuple(f"tests/{each}" for each in DEAREST)
        items.sort(key=lambda item: not item.nodeid.startswith(dearest))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """One line for all tests that need Vespa's own code, which is not asked without Java."""
    skipped = terminalreporter.stats.get("skipped", [])
    reasons = {str(report.longrepr[2]).removeprefix("Skipped: ") for report in skipped}
    for reason in sorted(each for each in reasons if each.startswith(UNJUDGED)):
        terminalreporter.write_line(reason)


@pytest.fixture
def params() -> Params:
    return read_params(ROOT / "params.yaml")


@pytest.fixture
def with_params(tmp_path: Path) -> Change:
    """The committed parameters with some changed, by dotted key."""

    def change(changes: dict[str, Any]) -> Params:
        loaded = yaml.load((ROOT / "params.yaml").read_text(), yaml.CSafeLoader)
        for key, value in changes.items():
            *sections, name = key.split(".")
            place = loaded
            for section in sections:
                place = place[section]
            place[name] = value
        path = tmp_path / "params.yaml"
        path.write_text(yaml.dump(loaded, Dumper=yaml.CSafeDumper))
        return read_params(path)

    return change


@pytest.fixture(scope="session")
def tiny_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A sentence-transformers folder with a random BERT of 2 layers and 32 dimensions."""
    from tests.tiny import make_tiny_model  # the process that starts the workers needs no torch

    return make_tiny_model(tmp_path_factory.mktemp("tiny"))


@pytest.fixture
def embedding_server(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> Iterator["EmbeddingServer"]:
    """An endpoint that embeds, and an environment that points to it."""
    from tests.embedders.server import EmbeddingServer
    from tests.serving import serving

    with serving(EmbeddingServer(), monkeypatch, tmp_path / "home") as server:
        yield server
