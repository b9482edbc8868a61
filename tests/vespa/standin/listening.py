"""The stand-in's one port: requests come in, and somebody answers them."""

import asyncio
import contextlib
import gzip
import json
import socket
import ssl
import threading
from abc import ABC, abstractmethod
from collections.abc import Callable
from pathlib import Path
from typing import Any, Self
from urllib.parse import parse_qs

from hypercorn.asyncio import serve
from hypercorn.config import Config

from tests.vespa.standin.package import Refused
from tests.vespa.standin.runtime import Rejected

Answer = tuple[int, Any]
GRACE = 2.0  # seconds that a stop waits for open streams


class Listening(ABC):
    """A server on loopback; `stop` and `start` restart it."""

    def __init__(self, certificates: "tuple[Path, Path, Path] | None", port: int) -> None:
        self.headers: dict[bytes, bytes] = {}  # of the last request
        self.hold: Callable[[str], None] = lambda _path: None
        """Waits as long as a request is to be held; others are answered meanwhile."""
        self._certificates = certificates
        with socket.socket() as free:
            free.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            free.bind(("127.0.0.1", port))
            self.port = free.getsockname()[1]

    @abstractmethod
    def _answer(self, method: str, path: str, query: dict[str, str], body: bytes) -> Answer:
        """Status and body, as bytes or as what JSON is made of."""

    @property
    def url(self) -> str:
        return f"{'https' if self._certificates else 'http'}://127.0.0.1:{self.port}"

    def start(self) -> Self:
        self._loop = asyncio.new_event_loop()
        self._stop = asyncio.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()
        for _ in range(500):
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self.port)) == 0:
                    return self
            threading.Event().wait(0.01)
        raise TimeoutError("the stand-in did not start")

    def stop(self) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(GRACE)
        if self._thread.is_alive():
            # open streams of a client can hold it up; a server that dies does not wait for them
            self._loop.call_soon_threadsafe(self._serving.cancel)
            self._thread.join(GRACE)

    def _run(self) -> None:
        config = Config()
        config.bind = [f"127.0.0.1:{self.port}"]
        config.accesslog = config.errorlog = None
        config.h2_max_concurrent_streams = 256
        config.graceful_timeout = 0.1
        if self._certificates:
            config.certfile, config.keyfile, config.ca_certs = map(str, self._certificates)
            config.verify_mode = ssl.CERT_REQUIRED
        app: Any = self._app
        self._serving = self._loop.create_task(serve(app, config, shutdown_trigger=self._stop.wait))
        with contextlib.suppress(asyncio.CancelledError):
            self._loop.run_until_complete(self._serving)

    async def _app(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            return
        parts = []  # joined once: a package has hundreds of megabytes
        while True:
            message = await receive()
            parts.append(message.get("body", b""))
            if not message.get("more_body"):
                break
        body = b"".join(parts)
        self.headers = dict(scope["headers"])
        if self.headers.get(b"content-encoding") == b"gzip":
            body = gzip.decompress(body)
        path = scope["raw_path"].decode()
        query = {key: values[0] for key, values in parse_qs(scope["query_string"].decode()).items()}
        await self._loop.run_in_executor(None, self.hold, path)
        try:
            status, answer = self._answer(scope["method"], path, query, body)
        except Rejected as error:
            status, answer = (
                400,
                {
                    "message": str(error),
                    "root": {
                        "errors": [
                            {"code": 4, "summary": "Invalid query parameter", "message": str(error)}
                        ]
                    },
                },
            )
        except Refused as error:
            status, answer = (
                400,
                {"error-code": "INVALID_APPLICATION_PACKAGE", "message": str(error)},
            )
        raw = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
        headers = [
            (b"content-type", b"application/json"),
            (b"content-length", str(len(raw)).encode()),
        ]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": raw})
