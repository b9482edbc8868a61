"""A scripted OpenAI-compatible endpoint on loopback, with faults on demand.

It writes queries from the document that the last user message quotes, so that the same prompt
always gets the same answer. Faults come from a script (one name a call, in turn), from words in
the prompt, or at random. Run as a program it serves benchmarks.
"""

import argparse
import collections
import contextlib
import json
import random
import re
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from tests.llm.diligent import answer

FAULTS = ["rate_limit", "server_error", "drop", "not_json", "cut_off", "refusal"]

REPLIES: dict[str, tuple[int, Any]] = {
    "error_in_200": (200, {"error": {"message": "upstream overloaded", "code": 502}}),
    "no_choices": (200, {"id": "x", "choices": []}),
    "null_choices": (200, {"id": "x", "choices": None, "error": None}),
    "policy": (400, {"error": {"message": "against the policy", "code": "content_filter"}}),
    "list_error": (400, [{"error": {"code": 400, "message": "Unknown name strict_mode"}}]),
    "quota": (429, {"error": {"message": "Your quota is used up", "code": "insufficient_quota"}}),
}
"""Replies that are no answers, by fault."""


class Server(ThreadingHTTPServer):
    """Answers, counts and remembers what it was asked."""

    daemon_threads = True
    request_queue_size = 256

    def __init__(self, port: int = 0) -> None:
        super().__init__(("127.0.0.1", port), Handler)
        self.script: list[str] = []
        self.marked: dict[str, str] = {}
        self.fault_rate = self.latency = 0.0
        self.allowed: tuple[int, float] | None = None
        self.windows: collections.Counter[int] = collections.Counter()
        self.structured = self.batch_ready = True
        self.batch_failure = ""
        self.answered: collections.Counter[str] = collections.Counter()
        self.stats: collections.Counter[str] = collections.Counter()
        self.bodies: list[dict[str, Any]] = []
        self.files: dict[str, bytes] = {}
        self.batches: dict[str, dict[str, Any]] = {}
        self.lock = threading.Lock()
        self.calls: collections.Counter[str] = collections.Counter()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/v1"

    def let_through(self) -> bool:
        """Whether the window of time that is now has room for one more call."""
        if self.allowed is None:
            return True
        calls, seconds = self.allowed
        with self.lock:
            window = int(time.monotonic() / seconds)
            self.windows[window] += 1
            if self.windows[window] > calls:
                self.stats["too_early"] += 1
                return False
        return True

    def fault(self, body: dict[str, Any]) -> str:
        with self.lock:
            if self.script:
                return self.script.pop(0)
            said = body["messages"][-1]["content"]
            call, self.calls[said] = self.calls[said], self.calls[said] + 1
            # drawn by the question, and not for its third call: no question is asked four times
            if call < 2 and random.Random(f"{call} {said}").random() < self.fault_rate:
                self.stats["faults"] += 1
                return FAULTS[self.stats["faults"] % len(FAULTS)]
        return next((fault for mark, fault in self.marked.items() if mark in said), "")


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Server

    def log_message(self, *_: object) -> None:
        pass

    def send(
        self, status: int, value: Any, headers: dict[str, str] | None = None, kind: str = "json"
    ) -> None:
        raw = value if isinstance(value, bytes) else json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Content-Type", "text/html" if kind == "html" else "application/json")
        self.send_header("Content-Length", str(len(raw)))
        for name, text in (headers or {}).items():
            self.send_header(name, text)
        self.end_headers()
        self.wfile.write(raw)

    def error(self, status: int, message: str, headers: dict[str, str] | None = None) -> None:
        self.send(status, {"error": {"message": message, "type": "error"}}, headers)

    def handle(self) -> None:
        with contextlib.suppress(ConnectionError):  # a client that was killed
            super().handle()

    def do_GET(self) -> None:
        kind, *rest = self.path.removeprefix("/v1").strip("/").split("/")
        if kind == "stats":
            most = max(self.server.answered.values(), default=0)
            return self.send(200, dict(self.server.stats) | {"most_answers_to_one": most})
        if kind == "files":
            return self.send(200, self.server.files[rest[0]])
        if kind == "batches" and rest[0] in self.server.batches:
            batch = dict(self.server.batches[rest[0]])
            if not self.server.batch_ready:
                batch |= {"status": "in_progress", "output_file_id": None, "error_file_id": None}
            return self.send(200, batch)
        return self.error(404, "not found")

    def do_POST(self) -> None:
        raw = self.rfile.read(int(self.headers["Content-Length"]))
        match self.path.partition("?")[0]:
            case "/v1/chat/completions":
                self.chat(json.loads(raw))
            case "/v1/files":
                part = re.search(rb'name="file".*?\r\n\r\n(.*?)\r\n--', raw, re.DOTALL)
                name = f"file-{len(self.server.files)}"
                content = self.server.files[name] = part[1] if part else b""
                named = {"id": name, "object": "file", "purpose": "batch", "status": "processed"}
                # gateways refuse a file that lacks one of these
                rest = {"bytes": len(content), "created_at": 0, "filename": "batch.jsonl"}
                self.send(200, named | rest)
            case "/v1/batches":
                self.batch(json.loads(raw))
            case _:
                self.error(404, "not found")

    def batch(self, asked: dict[str, Any]) -> None:
        server = self.server
        lines: list[str] = []
        refused: list[str] = []
        for row in map(json.loads, server.files[asked["input_file_id"]].splitlines()):
            fault = "" if server.batch_failure else server.fault(row["body"])
            status, body = REPLIES.get(fault) or (200, self.completion(row["body"], fault))
            reply: dict[str, Any] = {"response": {"status_code": status, "body": body}}
            if fault == "expired":
                status, reply = 0, {"error": {"code": "batch_expired", "message": "too late"}}
            if fault != "drop":
                line = json.dumps({"custom_id": row["custom_id"]} | reply)
                (lines if status == 200 else refused).append(line)
        name = f"batch-{len(server.batches)}"
        files: dict[str, str | None] = {"output_file_id": None, "error_file_id": None}
        state: dict[str, Any] = {"status": "completed", "errors": None}
        if server.batch_failure:
            state = {"status": "failed", "errors": {"data": [{"message": server.batch_failure}]}}
        else:
            for kind, rows in (("output_file_id", lines[::-1]), ("error_file_id", refused)):
                if rows:
                    files[kind] = f"file-{len(server.files)}"
                    server.files[f"file-{len(server.files)}"] = "\n".join(rows).encode()
        named = asked | {"id": name, "object": "batch", "created_at": 0}
        server.batches[name] = named | state | files
        self.send(200, named | {"status": "validating"})

    def chat(self, body: dict[str, Any]) -> None:
        server = self.server
        with server.lock:
            server.stats["calls"] += 1
            server.stats["in_flight"] += 1
            server.stats["most_in_flight"] = max(
                server.stats["most_in_flight"], server.stats["in_flight"]
            )
            server.bodies.append(body)
        try:
            fault = server.fault(body)
            time.sleep(server.latency)
            self.reply(body, fault)
        finally:
            with server.lock:
                server.stats["in_flight"] -= 1

    def reply(self, body: dict[str, Any], fault: str) -> None:
        if "response_format" in body and not self.server.structured:
            return self.error(400, "response_format json_schema is not supported")
        if fault == "rate_limit":
            return self.error(429, "slow down", {"Retry-After": "0.3"})
        if fault == "server_error":
            return self.error(500, "internal", {"Retry-After": "0.01"})
        if fault == "drop":
            self.close_connection = True
            self.connection.close()
            return None
        if fault == "wrong_key":
            return self.error(401, "Incorrect API key provided: sk-secret")
        if fault == "no_model":
            return self.error(404, "no such model")
        if fault == "too_long":
            return self.error(400, "context length exceeded")
        if fault in REPLIES:
            return self.send(*REPLIES[fault])
        if fault == "drip":
            self.send_response(200)
            self.send_header("Content-Length", "1000")
            self.end_headers()
            for _ in range(40):
                self.wfile.write(b" ")
                time.sleep(0.1)
            return None
        if not self.server.let_through():
            return self.error(429, "slow down")
        if fault == "html":
            return self.send(200, b"<html><body>Welcome</body></html>", kind="html")
        with self.server.lock:
            self.server.answered[json.dumps(body, sort_keys=True)] += 1
        if body.get("stream"):
            if fault == "no_stream":
                return self.error(400, "stream is not supported")
            return self.stream(self.completion(body, fault), fault == "drop_stream")
        return self.send(200, self.completion(body, fault))

    def stream(self, whole: dict[str, Any], broken: bool) -> None:
        """The answer as server-sent events of ten characters each."""
        choice: dict[str, Any] = whole["choices"][0]
        said = choice["message"]["content"] or ""
        deltas = [{"delta": {"content": said[at : at + 10]}} for at in range(0, len(said), 10)]
        deltas.append({"delta": {}, "finish_reason": choice["finish_reason"]})
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        if broken:  # it promises more than comes
            self.send_header("Content-Length", "1000000")
        self.end_headers()
        for choices in [*([{"index": 0} | delta] for delta in deltas), []]:
            event = whole | {"choices": choices} | ({"usage": None} if choices else {})
            self.wfile.write(b"data: " + json.dumps(event).encode() + b"\n\n")
            time.sleep(self.server.latency)
        self.wfile.write(b"data: [DONE]\n\n")
        self.close_connection = True

    def completion(self, body: dict[str, Any], fault: str) -> dict[str, Any]:
        text: str | None = json.dumps(answer(body))
        finish, refusal = "stop", None
        match fault:
            case "not_json":
                text = "Sure! Here are some queries:\n1. what is it"
            case "cut_off":
                text, finish = str(text)[: len(str(text)) * 7 // 10], "length"
            case "refusal":
                text, refusal = None, "I can't help with that."
            case "half_character":
                text = '{"queries": [{"type": "question", "text": "half \ud83d"}]}'
            case "empty":
                text = ""
            case "off_schema":
                text = json.dumps({"queries": [{"type": "question", "words": "x"}]})
            case "over_long":
                text = json.dumps({"queries": [{"type": "question", "text": "long " * 500}]})
            case "fenced":
                text = f"```json\n{text}\n```"
        sent = sum(len(each["content"]) for each in body["messages"]) // 4
        done = len(text or "") // 4
        return {
            "id": "chatcmpl",
            "object": "chat.completion",
            "model": body["model"],
            "choices": [
                {
                    "index": 0,
                    "finish_reason": finish,
                    "message": {"role": "assistant", "content": text, "refusal": refusal},
                }
            ],
            "usage": {
                "prompt_tokens": sent,
                "completion_tokens": done,
                "total_tokens": sent + done,
            },
        }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--latency", type=float, default=0.2, help="seconds a call")
    parser.add_argument("--fault-rate", type=float, default=0.0)
    args = parser.parse_args()
    server = Server(args.port)
    server.latency, server.fault_rate = args.latency, args.fault_rate
    print(server.url, flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main()
