"""The stand-in's HTTP side: config server and container on one port, with faults on demand."""

import asyncio
import contextlib
import gzip
import json
import re
import socket
import ssl
import threading
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote

from hypercorn.asyncio import serve
from hypercorn.config import Config

from stages.lib.core.seeds import share
from tests.vespa.standin.change import check_change
from tests.vespa.standin.container import Container
from tests.vespa.standin.package import Package, Refused, read_package
from tests.vespa.standin.reindexing import Reindexing
from tests.vespa.standin.runtime import Rejected

INSTANCE = (
    r"/application/v2/tenant/default/application/default/environment/\w+/region/default/"
    r"instance/default"
)

Answer = tuple[int, Any]
GRACE = 2.0  # seconds that a stop waits for open streams


class StandIn:
    """A config server and a container that live on one port; `stop` and `start` restart it."""

    def __init__(
        self, certificates: "tuple[Path, Path, Path] | None" = None, port: int = 0
    ) -> None:
        self.container = Container()
        self.sessions: list[Package] = []
        self.requests: Counter[str] = Counter()
        self.seen: list[dict[str, Any]] = []
        self.unsteady = 0.0  # share of document operations that are answered with 429 or 503
        self.full = False
        self.rejects: set[str] = set()  # doc_ids whose texts are answered with 400
        self.cloud = False  # whether re-indexing starts by itself, with nobody to ask about it
        self.headers: dict[bytes, bytes] = {}  # of the last request
        self.lag = 0  # polls until a deployment has converged, and a reindexing has run
        self.hook: Callable[[str], None] = lambda _step: None
        self._converging = 0
        self._marked = False
        self._reindexing: Reindexing | None = None
        self._certificates = certificates
        self._tries: Counter[str] = Counter()
        with socket.socket() as free:
            free.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            free.bind(("127.0.0.1", port))
            self.port = free.getsockname()[1]

    @property
    def url(self) -> str:
        return f"{'https' if self._certificates else 'http'}://127.0.0.1:{self.port}"

    def start(self) -> "StandIn":
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

    def settle(self) -> None:
        """Lets what goes on in the background come to its end."""
        while self._reindexing and not self._reindexing.done:
            self._advance()

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

    def _answer(self, method: str, path: str, query: dict[str, str], body: bytes) -> Answer:
        for pattern, name in ROUTES:
            match = re.fullmatch(pattern, path)
            if match and method in name[0]:
                self.requests[name[1]] += 1
                self.hook(name[1])
                handle: Any = getattr(self, f"_{name[1]}")
                answer: Answer = handle(method, match, query, body)
                return answer
        return 404, {"message": f"nothing at {method} {path}"}

    def _status(self, *_: Any) -> Answer:
        return 200, {}

    def _root(self, *_: Any) -> Answer:
        return 200, {
            "handlers": [
                {
                    "class": "com.yahoo.document.restapi.resource.DocumentV1ApiHandler",
                    "serverBindings": ["http://*/document/v1/*"],
                }
            ]
        }

    def _deploy(self, _method: str, _match: Any, _query: Any, body: bytes) -> Answer:
        package = read_package(body)
        if self.cloud and "security/clients.pem" not in package.files:
            raise Refused("missing certificate in package")
        actions = check_change(self.sessions[-1], package) if self.sessions else []
        self.sessions.append(package)
        self._converging = self.lag
        if self._converging == 0:
            self.container.serve(package)
        if self._marked or (self.cloud and actions):  # starts with this deployment
            self._marked = False
            self._reindexing = Reindexing(self.container, self.lag)
        return 200, {
            "session-id": str(len(self.sessions)),
            "message": "Session prepared and activated.",
            "log": [],
            "configChangeActions": {"restart": [], "refeed": [], "reindex": actions},
        }

    def _converge(self, *_: Any) -> Answer:
        if self._converging > 0:
            self._converging -= 1
            if self._converging == 0:
                self.container.serve(self.sessions[-1])
        done = self._converging == 0
        current = len(self.sessions) - (0 if done else 1)
        services = [{"type": "container", "clusterName": "default", "port": self.port}]
        return 200, {
            "converged": done,
            "currentGeneration": current,
            "wantedGeneration": len(self.sessions),
            "services": services,
        }

    def _content(self, _method: str, match: Any, _query: Any, _body: bytes) -> Answer:
        if not self.sessions:
            return 404, {"error-code": "NOT_FOUND", "message": "Unknown application"}
        files, path = self.sessions[-1].files, match["path"]
        if path in files:
            return 200, files[path]
        names = {
            path + name[len(path) :].split("/")[0] + ("/" if "/" in name[len(path) :] else "")
            for name in files
            if name.startswith(path)
        }
        base = (
            f"{self.url}/application/v2/tenant/default/application/default/environment/prod/"
            "region/default/instance/default/content/"
        )
        return 200, [base + name for name in sorted(names)]

    def _reindex(self, _method: str, _match: Any, query: dict[str, str], _body: bytes) -> Answer:
        if not self.sessions:
            return 404, {"message": "Unknown application"}
        assert query == {"clusterId": "content", "documentType": "doc"}
        self._marked = True
        return 200, {"message": "Reindexing document types [doc] in 'content'"}

    def _reindexing_status(self, *_: Any) -> Answer:
        if self._reindexing is None:
            return 200, {"enabled": True, "clusters": {}}
        self._advance()
        row = {"readyMillis": 1, "state": self._reindexing.state, "progress": 0.5}
        return 200, {
            "enabled": True,
            "clusters": {"content": {"pending": {}, "ready": {"doc": row}}},
        }

    def _advance(self) -> None:
        if self._reindexing:
            self._reindexing.advance(converged=self._converging == 0)

    def _write(self, method: str, match: Any, query: dict[str, str], body: bytes) -> Answer:
        name, doc_id = unquote(match["name"]), unquote(match["id"])
        id = f"id:{name}:doc::{doc_id}"
        self._tries[id] += 1
        if self.full:
            return 507, {"message": "External feed is blocked due to resource exhaustion: disk"}
        operation = json.loads(body) if body else {}
        if doc_id in self.rejects and "text" in operation.get("fields", {}):
            return 400, {"message": "Could not parse field 'text'"}
        drawn = share(1, id, str(self._tries[id]))
        if drawn < self.unsteady:
            return (429, 503)[self._tries[id] % 2], {"message": "busy"}
        self.container.write(id, operation, method, query.get("create") == "true")
        return 200, {"pathId": match[0], "id": id}

    def _visit(self, _method: str, _match: Any, query: dict[str, str], _body: bytes) -> Answer:
        start, size = int(query.get("continuation", "0")), 5
        ids = sorted(self.container.documents)[start : start + size]
        more = (
            {"continuation": str(start + size)}
            if start + size < len(self.container.documents)
            else {}
        )
        return 200, {
            "pathId": "/document/v1/",
            "documentCount": len(ids),
            "documents": [{"id": id, "fields": {}} for id in ids],
            **more,
        }

    def _search(self, _method: str, _match: Any, query: dict[str, str], body: bytes) -> Answer:
        request = query | (json.loads(body) if body else {})
        self.seen.append(request)
        if self.cloud:
            self._advance()
        return 200, self.container.search(request)


ROUTES: list[tuple[str, tuple[set[str], str]]] = [
    (r"/status\.html|/state/v1/health|/ApplicationStatus", ({"GET"}, "status")),
    (r"/", ({"GET"}, "root")),
    (r"/application/v2/tenant/default/prepareandactivate", ({"POST"}, "deploy")),
    (INSTANCE + "/serviceconverge", ({"GET"}, "converge")),
    (INSTANCE + "/content/?(?P<path>.*)", ({"GET"}, "content")),
    (INSTANCE + "/reindex", ({"POST"}, "reindex")),
    (INSTANCE + "/reindexing", ({"GET"}, "reindexing_status")),
    (r"/document/v1/(?P<name>[^/]+)/doc/docid/(?P<id>.+)", ({"POST", "PUT", "DELETE"}, "write")),
    (r"/document/v1/.*", ({"GET"}, "visit")),
    (r"/search/", ({"GET", "POST"}, "search")),
]
