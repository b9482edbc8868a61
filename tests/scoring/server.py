"""A scripted endpoint that says a prompt back with log-probabilities, a word a token."""

import json
import re

from tests.llm.server import Handler, Server


def logprob(word: str) -> float:
    """What the endpoint finds of a word: the longer, the less likely."""
    return -0.5 * len(word.strip())


class CompletionHandler(Handler):
    """Adds /completions."""

    server: "CompletionServer"

    def do_POST(self) -> None:  # noqa: N802
        if self.path.partition("?")[0] != "/v1/completions":
            return super().do_POST()
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.stats["calls"] += 1
        if not body["max_tokens"] and not self.server.writes_nothing:
            return self.error(400, "max_tokens must be at least 1, got 0.")
        assert body["echo"]
        text = body["prompt"] + " written" * body["max_tokens"]
        if self.server.marks_begin:
            text = "<s>" + text
        found = list(re.finditer(r"^<s>|\s*[^\s<]+\s*$|\s*[^\s<]+", text))
        tokens, starts = [each[0] for each in found], [each.start() for each in found]
        values = [None, *map(logprob, tokens[1:])]
        logprobs = {"tokens": tokens, "token_logprobs": values, "text_offset": starts}
        choice = {"index": 0, "text": text, "logprobs": logprobs if self.server.echoes else None}
        usage = {"prompt_tokens": len(tokens), "completion_tokens": body["max_tokens"]}
        return self.send(200, {"model": body["model"], "choices": [choice], "usage": usage})


class CompletionServer(Server):
    """Scores beside what `Server` does."""

    def __init__(self) -> None:
        super().__init__()
        self.RequestHandlerClass = CompletionHandler
        self.writes_nothing = self.echoes = True
        self.marks_begin = False
