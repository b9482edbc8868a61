"""A scripted server on loopback for the time of a test, and an environment that points to it."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

import pytest

from tests.llm.server import Server

S = TypeVar("S", bound=Server)


@contextmanager
def serving(server: S, monkeypatch: pytest.MonkeyPatch, home: Path) -> Iterator[S]:
    """Runs a server; `home` is the folder of the journal."""
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    monkeypatch.setenv("OPENAI_BASE_URL", server.url)
    monkeypatch.setenv("OPENAI_API_KEY", "sk-secret")
    monkeypatch.setenv("EMBEDSMITH_HOME", str(home))
    yield server
    server.shutdown()
    server.server_close()
    thread.join()
