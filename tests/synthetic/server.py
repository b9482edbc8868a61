"""A small Argilla on loopback: what its SDK asks, answered as version 2.8.0 of the server does."""

import json
import re
import threading
import uuid
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

Json = dict[str, Any]
PROPERTIES = ("fields", "questions", "metadata-properties", "vectors-settings")


class Argilla(ThreadingHTTPServer):
    """People with keys, workspaces, and the datasets that were made in them."""

    daemon_threads = True
    request_queue_size = 16

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.version = "2.8.0"
        self.people = {f"{name}.key": new(username=name, role=role) for name, role in ROLES.items()}
        self.workspaces = [new(name="team")]
        self.datasets: dict[str, Json] = {}
        threading.Thread(target=self.serve_forever, args=(0.01,), daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    def records(self, dataset: str = "examples") -> list[Json]:
        """What lies in a dataset."""
        (found,) = [each for each in self.datasets.values() if each["name"] == dataset]
        return list(found["records"].values())

    def answer(self, number: int, who: str, status: str = "submitted", **values: str) -> None:
        """What a person does in the browser."""
        given = {name: {"value": value} for name, value in values.items()}
        answered(self.records()[number], self.people[f"{who}.key"]["id"], given, status)


ROLES = {"ann": "owner", "bob": "annotator", "cid": "annotator"}


def new(**values: Any) -> Json:
    when = "2026-01-01T00:00:00"
    return {"id": str(uuid.uuid4()), "inserted_at": when, "updated_at": when, **values}


def answered(record: Json, user_id: str, values: Json, status: str) -> None:
    """A person has one response to a record, and the last one stands in its place."""
    others = {each["user_id"]: each for each in record["responses"]}
    others[user_id] = new(user_id=user_id, values=values, status=status)
    record["responses"] = list(others.values())


class Handler(BaseHTTPRequestHandler):
    """Answers as the server does."""

    server: Argilla
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self._serve()

    def do_POST(self) -> None:
        self._serve()

    def do_PUT(self) -> None:
        self._serve()

    def do_PATCH(self) -> None:
        self._serve()

    def do_DELETE(self) -> None:
        self._serve()

    def log_message(self, *_: object) -> None:
        pass

    def _serve(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        status, value = self._answer(json.loads(body or "{}"))
        data = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def _answer(self, given: Json) -> tuple[int, Json]:
        server, where = self.server, urlsplit(self.path)
        path = where.path.removeprefix("/api/v1")
        me = server.people.get(self.headers.get("X-Argilla-Api-Key", ""))
        if path == "/version":
            return 200, {"version": server.version}
        if me is None:
            return 401, {"detail": "Could not validate credentials"}
        match self.command, path:
            case "GET", "/me":
                return 200, me
            case "GET", "/me/workspaces":
                return 200, {"items": server.workspaces}
            case "GET", "/me/datasets":
                return 200, {"items": list(map(shown, server.datasets.values()))}
            case "POST", "/datasets" if me["role"] == "annotator":
                return 403, {"detail": "Operation not allowed"}
            case "POST", "/datasets":
                empty: Json = {name: [] for name in PROPERTIES} | {"records": {}}
                made = new(**given, **empty, status="draft")
                server.datasets[made["id"]] = made
                return 201, shown(made)
        if found := re.fullmatch(r"/workspaces/(.+)", path):
            return 200, next(each for each in server.workspaces if each["id"] == found[1])
        found = re.fullmatch(r"(?:/me)?/datasets/([^/]+)/?(.*)", path)
        dataset = server.datasets.get(found[1]) if found else None
        if not found or dataset is None:
            return 404, {"detail": "not found"}
        return self._of_dataset(dataset, found[2], given, me, parse_qs(where.query))

    def _of_dataset(
        self, dataset: Json, what: str, given: Json, me: Json, query: dict[str, list[str]]
    ) -> tuple[int, Json]:
        match self.command, what:
            case "GET", "":
                return 200, shown(dataset)
            case "PATCH", "":
                dataset.update(given)
                return 200, shown(dataset)
            case "DELETE", "":
                return 200, shown(self.server.datasets.pop(dataset["id"]))
            case "PUT", "publish":
                dataset["status"] = "ready"
                return 200, shown(dataset)
            case "GET", "records" if me["role"] == "annotator":
                return 403, {"detail": "Operation not allowed"}
            case "GET", "records":
                first, most = int(query["offset"][0]), int(query["limit"][0])
                records = list(dataset["records"].values())
                return 200, {"items": records[first : first + most], "total": len(records)}
            case "PUT", "records/bulk":
                return self._upsert(dataset, given["items"])
            case "GET", _ if what in PROPERTIES:
                return 200, {"items": dataset[what]}
            case "POST", _ if what in PROPERTIES:
                dataset[what].append(given | new())
                return 201, dataset[what][-1]
        return 404, {"detail": what}

    def _upsert(self, dataset: Json, items: list[Json]) -> tuple[int, Json]:
        if dataset["status"] != "ready":
            return 422, {"detail": "records can't be added to a dataset that is not published"}
        people = {each["id"] for each in self.server.people.values()}
        required = {each["name"] for each in dataset["fields"] if each["required"]}
        for number, item in enumerate(items):
            if required - item["fields"].keys():
                return 422, {"detail": f"Record at position {number}: missing required value"}
            if not {each["user_id"] for each in item["responses"]} <= people:
                return 422, {"detail": f"Record at position {number}: no such user"}
        records, updated = dataset["records"], []
        for item in items:
            name = item["external_id"]
            if name in records:
                updated.append(records[name]["id"])
                records[name] |= {key: item[key] for key in ("fields", "metadata")}
            else:
                records[name] = item | new(responses=[], suggestions=[])
            record = records[name]
            suggested = {each["question_name"]: each for each in record["suggestions"]}
            suggested |= {each["question_name"]: each for each in item["suggestions"]}
            ids = {each["name"]: each["id"] for each in dataset["questions"]}
            record["suggestions"] = [
                each | {"question_id": ids[question]} for question, each in suggested.items()
            ]
            for each in item["responses"]:
                answered(record, each["user_id"], each["values"], each["status"])
        made = [records[item["external_id"]] for item in items]
        return 200, {"items": made, "updated_item_ids": updated}


def shown(dataset: Json) -> Json:
    return {name: value for name, value in dataset.items() if name not in (*PROPERTIES, "records")}
