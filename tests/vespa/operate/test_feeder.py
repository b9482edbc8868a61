import shutil
import threading
from pathlib import Path

import pytest

from stages.lib.core.collection import Corpus, Document
from stages.lib.core.files import write_jsonl
from stages.lib.errors import UserError
from stages.lib.vespa.operate.feeder import feed
from stages.lib.vespa.operate.packaged import Package
from stages.lib.vespa.package.feed import document_rows
from stages.lib.vespa.package.manifest import read_manifest
from stages.lib.vespa.package.rendering import write_application
from stages.lib.vespa.search.connection import Connection, Credentials
from tests.vespa.standin import StandIn
from tests.vespa.workspace import ROOT, Workspace, check

COUNT = 300


def connection(vespa: StandIn) -> Connection:
    return Connection(vespa.url, vespa.url, None, Credentials())


@pytest.fixture
def documents(workspace: Workspace, vespa: StandIn) -> Path:
    """A feed of generated documents, into an application that embeds nothing."""
    workspace.set("package", vectors="fed")
    check(workspace.package())
    connection(vespa).deploy(workspace.application, 10)
    corpus: Corpus = {f"d{n}": Document(f"d{n}", "", f"text number {n}") for n in range(COUNT)}
    path = workspace.folder / "many.jsonl"
    write_jsonl(path, document_rows("embedsmith", corpus))
    return path


def test_throttling_and_failures_lose_and_double_nothing(documents: Path, vespa: StandIn) -> None:
    vespa.unsteady = 0.3
    fed = feed(connection(vespa), documents, documents.parent)
    assert len(fed.done) == len(vespa.container.documents) == COUNT
    assert set(vespa.container.writes.values()) == {1}
    assert vespa.requests["write"] > COUNT


def test_restart_in_the_middle_loses_nothing(documents: Path, vespa: StandIn) -> None:
    def restart(step: str) -> None:
        if step == "write" and vespa.requests["write"] == COUNT // 2:
            threading.Thread(target=cycle).start()

    def cycle() -> None:
        vespa.stop()
        vespa.start()

    vespa.hook = restart
    fed = feed(connection(vespa), documents, documents.parent, pause=0.1, timeout=3)
    assert len(fed.done) == len(vespa.container.documents) == COUNT


def test_rejected_documents_are_named_and_the_rest_go_on(documents: Path, vespa: StandIn) -> None:
    vespa.rejects = {"d7", "d42"}
    fed = feed(connection(vespa), documents, documents.parent)
    assert sorted(fed.rejected) == ["id:embedsmith:doc::d42", "id:embedsmith:doc::d7"]
    assert "400: " in fed.rejected["id:embedsmith:doc::d7"]
    assert "Could not parse field 'text'" in fed.rejected["id:embedsmith:doc::d7"]
    assert len(vespa.container.documents) == COUNT - 2


def test_full_disk_stops_at_once(documents: Path, vespa: StandIn) -> None:
    vespa.full = True
    with pytest.raises(UserError, match="Vespa's disk or memory is full .*resource exhaustion"):
        feed(connection(vespa), documents, documents.parent)


def test_vespa_that_is_gone_for_good_ends_the_feed(documents: Path, vespa: StandIn) -> None:
    gone = Connection(vespa.url, "http://127.0.0.1:9", None, Credentials())
    with pytest.raises(UserError, match=f"0 of {COUNT} operations fed, then no more: no Vespa"):
        feed(gone, documents, documents.parent, pause=0.01)


def test_package_names_what_it_lacks(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="embedsmith.json: no such file"):
        Package(tmp_path).model()


def test_template_that_cannot_be_filled_is_named(workspace: Workspace, tmp_path: Path) -> None:
    check(workspace.package())
    templates = Path(shutil.copytree(ROOT / "application-package", tmp_path / "templates"))
    bad = templates / "services.xml"
    bad.write_text(bad.read_text(encoding="utf-8").replace("$nodes", "$knots"), encoding="utf-8")
    manifest = read_manifest(workspace.application)
    with pytest.raises(UserError, match=r"services\.xml: cannot be filled in \('knots'\)"):
        write_application(tmp_path / "out", manifest, templates, {})
    assert not (tmp_path / "out").exists()
