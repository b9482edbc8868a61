from collections.abc import Iterator
from pathlib import Path

import pytest
from huggingface_hub import constants

from stages.lib.errors import UserError
from stages.lib.publishing.hub import TOKEN as VARIABLE
from stages.lib.publishing.hub import upload
from tests.publishing.hub import TOKEN, Hub


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    server = Hub()
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    # the newer protocol is a service of its own
    monkeypatch.setattr(constants, "HF_HUB_DISABLE_XET", True)
    monkeypatch.setenv("HF_ENDPOINT", server.url)
    monkeypatch.setenv(VARIABLE, TOKEN)
    yield server
    server.shutdown()
    server.server_close()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "query").mkdir()
    (tmp_path / "README.md").write_text("---\nlicense: mit\n---\n# A model\n")
    (tmp_path / "query" / "model.safetensors").write_bytes(bytes(range(256)) * 40)
    return tmp_path


def contents(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def test_every_file_arrives(hub: Hub, folder: Path) -> None:
    assert upload(folder, "you/name", update=False) == f"{hub.url}/you/name"
    assert hub.repos == {"you/name": contents(folder)}
    assert hub.private == {"you/name": "private"}
    (folder / "README.md").write_text("# Another\n")
    with pytest.raises(
        UserError, match=r"you/name: the hub has a model of this name; set UPDATE=1"
    ):
        upload(folder, "you/name", update=False)
    upload(folder, "you/name", update=True)
    assert hub.repos == {"you/name": contents(folder)}


def test_a_hub_that_refuses(hub: Hub, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, "another")
    with pytest.raises(UserError, match=r"you/name: the hub refuses the token \(401\); set EMBED"):
        upload(folder, "you/name", update=False)
    monkeypatch.delenv(VARIABLE)
    with pytest.raises(UserError, match=f"{VARIABLE} is not set"):
        upload(folder, "you/name", update=False)
    assert not hub.repos


@pytest.mark.usefixtures("hub")
def test_no_network(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    with pytest.raises(UserError, match=r"127\.0\.0\.1:9 cannot be reached \(ConnectError\)"):
        upload(folder, "you/name", update=False)
