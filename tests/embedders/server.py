"""A scripted endpoint that embeds: a text's vector is drawn from its hash, so always the same."""

import base64
import json
from collections.abc import Callable
from typing import Any

import numpy as np

from tests.llm.server import Handler, Server


def vector_of(text: str, dimensions: int) -> list[float]:
    """What the endpoint gives a text; it is no unit vector."""
    random = np.random.default_rng(list(text.encode()))
    return [float(value) for value in random.standard_normal(dimensions).astype(np.float32)]


class EmbeddingHandler(Handler):
    """Adds /embeddings, with faults by words in a text and by the server's settings."""

    server: "EmbeddingServer"

    def do_POST(self) -> None:  # noqa: N802
        if self.path.partition("?")[0] != "/v1/embeddings" or not self.server.embeds:
            return super().do_POST()
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        given: str | list[str] = body["input"]
        texts = [given] if isinstance(given, str) else given
        self.server.stats["calls"] += 1
        self.server.bodies.append(body)
        if body["encoding_format"] == "base64" and not self.server.base64:
            return self.error(400, "encoding_format: only float is supported")
        if len(texts) > self.server.most:
            return self.error(413, f"batch size {len(texts)} > maximum {self.server.most}")
        if any("too long" in text for text in texts):
            return self.error(400, "This model's maximum context length is 512 tokens")
        rows: list[dict[str, Any]] = []
        for index, text in enumerate(texts):
            size = body.get("dimensions") or (7 if "narrow" in text else 8)
            vector: Any = self.server.vector(text, size)
            if "not a number" in text:
                vector[0] = float("nan")
            if body["encoding_format"] == "base64":
                vector = base64.b64encode(np.array(vector, "<f4").tobytes()).decode()
            rows.append({"index": index, "embedding": vector})
        if any("lost" in text for text in texts):
            rows.pop()
        # the order of the rows is the index's alone
        usage = {"prompt_tokens": 10 * len(texts), "total_tokens": 10 * len(texts)}
        return self.send(200, {"data": rows[::-1], "model": body["model"], "usage": usage})


class EmbeddingServer(Server):
    """Embeds beside what `Server` does."""

    def __init__(self) -> None:
        super().__init__()
        self.RequestHandlerClass = EmbeddingHandler
        self.embeds = self.base64 = True
        self.most = 1000
        self.vector: Callable[[str, int], list[float]] = vector_of
