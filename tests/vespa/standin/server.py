"""The stand-in's HTTP side: config server and container on one port, with faults on demand."""

import json
import re
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from stages.lib.core.seeds import share
from tests.vespa.standin.container import Container
from tests.vespa.standin.listening import Answer, Listening
from tests.vespa.standin.package import Package, Refused, read_package
from tests.vespa.standin.reindexing import Reindexing
from tests.vespa.standin.sessions import Sessions, Stale

INSTANCE = (
    r"/application/v2/tenant/default/application/default/environment/\w+/region/default/"
    r"instance/default"
)

SESSION = r"/application/v2/tenant/default/session/(?P<session>\d+)"


class StandIn(Listening):
    """A config server and a container that live on one port; `stop` and `start` restart it."""

    def __init__(
        self, certificates: "tuple[Path, Path, Path] | None" = None, port: int = 0
    ) -> None:
        super().__init__(certificates, port)
        self.container = Container()
        self.state = Sessions()
        self.requests: Counter[str] = Counter()
        self.seen: list[dict[str, Any]] = []
        self.unsteady = 0.0  # share of document operations that are answered with 429 or 503
        self.full = False
        self.rejects: set[str] = set()  # doc_ids whose texts are answered with 400
        self.cloud = False  # whether re-indexing starts by itself, with nobody to ask about it
        self.lag = 0  # polls until a deployment has converged, and a reindexing has run
        self.hook: Callable[[str], None] = lambda _step: None
        self._converging = 0
        self._marked = False
        self._reindexing: Reindexing | None = None
        self._tries: Counter[str] = Counter()

    def settle(self) -> None:
        """Lets what goes on in the background come to its end."""
        while self._reindexing and not self._reindexing.done:
            self._advance()

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

    @property
    def sessions(self) -> list[Package]:
        """The packages that were activated, in order."""
        return self.state.active

    def _prepareandactivate(self, method: str, match: Any, query: Any, body: bytes) -> Answer:
        _, created = self._session(method, match, query, body)
        return self._activate(int(created["session-id"]))

    def _session(self, _method: str, _match: Any, _query: Any, body: bytes) -> Answer:
        package = read_package(body)
        if self.cloud and "security/clients.pem" not in package.files:
            raise Refused("missing certificate in package")
        session = self.state.create(package)
        return 200, {"session-id": str(session), "message": "Session created.", "log": []}

    def _prepared(self, _method: str, match: Any, *_: Any) -> Answer:
        actions = self.state.prepare(int(match["session"]))
        return 200, {
            "session-id": match["session"],
            "message": "Session prepared.",
            "log": [],
            "configChangeActions": {"restart": [], "refeed": [], "reindex": actions},
        }

    def _deploy(self, _method: str, match: Any, *_: Any) -> Answer:
        return self._activate(int(match["session"]))

    def _activate(self, session: int) -> Answer:
        try:
            package, actions = self.state.activate(session)
        except Stale as error:
            return 409, {"error-code": "ACTIVATION_CONFLICT", "message": str(error)}
        self._converging = self.lag
        if self._converging == 0:
            self.container.serve(package)
        if self._marked or (self.cloud and actions):  # starts with this deployment
            self._marked = False
            self._reindexing = Reindexing(self.container, self.lag)
        return 200, {"session-id": str(session), "message": "Session activated.", "log": []}

    def _application(self, *_: Any) -> Answer:
        if not self.sessions:
            return 404, {"error-code": "NOT_FOUND", "message": "Unknown application id"}
        return 200, {"generation": self.state.generation}

    def _converge(self, *_: Any) -> Answer:
        if self._converging > 0:
            self._converging -= 1
            if self._converging == 0:
                self.container.serve(self.sessions[-1])
        done = self._converging == 0
        current = self.state.generation - (0 if done else 1)
        services = [{"type": "container", "clusterName": "default", "port": self.port}]
        return 200, {
            "converged": done,
            "currentGeneration": current,
            "wantedGeneration": self.state.generation,
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
    (r"/application/v2/tenant/default/prepareandactivate", ({"POST"}, "prepareandactivate")),
    (r"/application/v2/tenant/default/session", ({"POST"}, "session")),
    (SESSION + "/prepared", ({"PUT"}, "prepared")),
    (SESSION + "/active", ({"PUT"}, "deploy")),
    (INSTANCE, ({"GET"}, "application")),
    (INSTANCE + "/serviceconverge", ({"GET"}, "converge")),
    (INSTANCE + "/content/?(?P<path>.*)", ({"GET"}, "content")),
    (INSTANCE + "/reindex", ({"POST"}, "reindex")),
    (INSTANCE + "/reindexing", ({"GET"}, "reindexing_status")),
    (r"/document/v1/(?P<name>[^/]+)/doc/docid/(?P<id>.+)", ({"POST", "PUT", "DELETE"}, "write")),
    (r"/document/v1/.*", ({"GET"}, "visit")),
    (r"/search/", ({"GET", "POST"}, "search")),
]
