"""Whom a reply concerns, and how fast calls go out."""

import time
from typing import Any

import pytest

from stages.lib.llm.providers.pace import used_up, wait_of
from stages.lib.llm.providers.verdict import About, told, verdict
from tests.llm.conftest import Project
from tests.llm.server import Server


@pytest.mark.parametrize(
    ("about", "status", "body"),
    [
        # OpenAI, Azure, OpenRouter, Alibaba, llama.cpp, vLLM, Ollama, LiteLLM, nginx
        ("QUESTION", 400, {"error": {"message": "m", "code": "content_filter"}}),
        (
            "QUESTION",
            400,
            {"error": {"message": "m", "innererror": {"code": "ResponsibleAIPolicyViolation"}}},
        ),
        ("QUESTION", 403, {"error": {"message": "Your input was flagged", "code": 403}}),
        ("QUESTION", 400, {"code": "data_inspection_failed", "message": "inappropriate content"}),
        ("QUESTION", 400, {"error": {"code": 400, "type": "exceed_context_size_error"}}),
        (
            "QUESTION",
            400,
            {"object": "error", "message": "This model's maximum context length is 4096 tokens."},
        ),
        ("QUESTION", 500, {"error": "prompt is too long: it exceeds the context length"}),
        ("QUESTION", 500, {"error": {"message": "litellm.ContextWindowExceededError: x"}}),
        ("QUESTION", 413, "<html><title>413 Request Entity Too Large</title></html>"),
        ("QUESTION", 429, {"error": {"message": "Request too large for gpt on tokens per min"}}),
        ("QUESTION", 400, [{"error": {"code": 400, "message": "Unknown name"}}]),
        ("ENDPOINT", 429, {"error": {"message": "m", "code": "insufficient_quota"}}),
        ("ENDPOINT", 402, {"error": {"message": "Insufficient credits", "code": 402}}),
        ("ENDPOINT", 401, "no"),
        ("ENDPOINT", 400, [{"error": {"code": 400, "message": "API key not valid."}}]),
        ("ENDPOINT", 404, {"error": 'model "x" not found, try pulling it first'}),
        ("ENDPOINT", 400, {"error": {"message": "Invalid model name passed in model=x"}}),
        ("ENDPOINT", 404, {"detail": "Not Found"}),
        ("ENDPOINT", 200, "<!doctype html><html>Welcome</html>"),
        ("LIMIT", 429, {"error": {"message": "slow down"}}),
        ("LIMIT", 503, {"error": {"message": "rate limit reached"}}),
        ("LIMIT", 200, {"error": {"message": "slow down", "code": 429}}),
        ("CALL", 200, {"error": {"message": "upstream overloaded", "code": 502}}),
        ("CALL", 200, {"choices": []}),
        ("CALL", 200, {"choices": None, "error": None}),
        ("CALL", 200, {"choices": [None]}),
        ("CALL", 200, '{"choices": [{"mess'),
        ("CALL", 502, "<html><title>502 Bad Gateway</title></html>"),
        ("CALL", 408, None),
    ],
)
def test_whom_a_reply_concerns(about: str, status: int, body: Any) -> None:
    found = verdict(status, body)
    assert found is not None
    assert found.about == About[about]
    assert found.words


def test_an_answer_is_no_fault() -> None:
    assert verdict(200, {"choices": [{"message": {"content": None}}], "error": None}) is None


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ([{"error": {"message": "in a\nlist"}}], "in a list"),
        ({"detail": [{"loc": ["body"], "msg": "not permitted"}]}, "not permitted"),
        ({"error": {"message": "upstream", "metadata": {"raw": {"error": "is down"}}}}, "is down"),
        ("<html><title>502 Bad\nGateway</title><body>x</body></html>", "502 Bad Gateway"),
    ],
)
def test_the_words_are_found_in_any_shape(body: Any, words: str) -> None:
    found = verdict(500, body)
    assert found is not None
    assert words in found.words


def test_no_key_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-secret\n")
    words = told("sk-secret at http://user:word@host/v1?api-key=other failed\r\nhere")
    assert words == "*** at http://host/v1 failed here"


def test_limits_in_headers() -> None:
    assert wait_of({"retry-after": "7"}) == 7
    assert wait_of({"retry-after-ms": "1500"}) == 1.5
    assert wait_of({}) == 0
    left = {"x-ratelimit-remaining-requests": "0", "x-ratelimit-reset-requests": "1m2s"}
    assert used_up(left) == 62
    assert used_up(left | {"x-ratelimit-remaining-requests": "3"}) == 0
    at = {"x-ratelimit-remaining": "0", "x-ratelimit-reset": str(int(time.time() * 1000) + 9000)}
    assert 8 < used_up(at) <= 9


def test_a_gateway_with_a_limit_is_kept_to(
    server: Server, llm_project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    # 20 calls in 3 seconds stand for 20 a minute, and so a pause of 0.25 for one of 5
    monkeypatch.setattr("stages.lib.llm.providers.pace.PAUSE", 0.25)
    server.allowed = (20, 3.0)
    server.latency = 0.01
    llm_project.changes["rules.fixed"] = ["Short."]
    llm_project.write_corpus([(f"d{n}", "", f"text number {n} of many") for n in range(40)])
    llm_project.must("rules", "generate")
    assert len(llm_project.queries()) == 80
    assert 0 < server.stats["too_early"] <= 8, "one refused call for five answered at most"


def test_an_endpoint_that_lets_nothing_through_stops_the_stage(
    server: Server, llm_project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("stages.lib.llm.providers.pace.PAUSE", 0.05)
    monkeypatch.setattr("stages.lib.llm.providers.channel.PATIENCE", 0.3)
    server.allowed = (0, 1.0)
    assert "has let no call through for 0 minutes: slow down" in llm_project.refused("rules")


@pytest.mark.parametrize("place", [0, 3])
def test_a_refused_question_is_counted_kept_and_not_asked_again(
    server: Server, llm_project: Project, place: int
) -> None:
    llm_project.changes["rules.fixed"] = ["Short."]
    topic = ["restoring", "backing", "encrypting", "licensing"][place]
    server.marked = {topic: "policy"}
    llm_project.must("rules", "generate")
    assert llm_project.metrics("generate")["rejected"] == 1
    first = (llm_project.folder / "llm/generate.jsonl").read_bytes()
    calls = server.stats["calls"]
    assert calls == 7
    llm_project.must("generate")
    assert llm_project.metrics("generate")["rejected"] == 1
    assert server.stats["calls"] == calls
    assert (llm_project.folder / "llm/generate.jsonl").read_bytes() == first


def test_what_is_refused_alike_of_all_is_told_and_not_kept(
    server: Server, llm_project: Project
) -> None:
    llm_project.changes["rules.fixed"] = ["Short."]
    llm_project.must("rules")
    server.script = ["list_error"] * 7
    assert "7 without an answer; the endpoint says: Unknown name strict_mode" in (
        llm_project.refused("generate")
    )
    llm_project.must("generate")
    assert len(llm_project.queries()) == 14, "it was mended"


@pytest.mark.parametrize("fault", ["error_in_200", "no_choices", "null_choices"])
def test_an_odd_reply_is_a_fault_of_one_call(
    server: Server, llm_project: Project, fault: str
) -> None:
    llm_project.changes["rules.fixed"] = ["Short."]
    server.script = ["", "", fault]
    llm_project.must("rules", "generate")
    assert len(llm_project.queries()) == 14
    assert server.stats["calls"] == 8


def test_used_up_quota_is_told_at_once(server: Server, llm_project: Project) -> None:
    server.script = ["quota"]
    assert "refuses all calls: Your quota is used up; check" in llm_project.refused("rules")
    assert server.stats["calls"] == 1


def test_a_call_is_bounded_however_it_drips(
    server: Server, llm_project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EMBEDSMITH_TIMEOUT", "0.5")
    server.script = ["drip"] * 9
    start = time.monotonic()
    assert "gives no answer within 0.5 s; check" in llm_project.refused("rules")
    assert time.monotonic() - start < 5


@pytest.mark.parametrize("key", ["sk-one\nsk-two", "sk-\u00e9"])
def test_a_key_that_no_header_takes(
    server: Server, llm_project: Project, monkeypatch: pytest.MonkeyPatch, key: str
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", key)
    message = llm_project.refused("rules")
    assert "OPENAI_API_KEY holds a line break" in message
    assert "sk-" not in message
    assert server.stats["calls"] == 0


def test_an_address_with_a_password(
    server: Server, llm_project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_BASE_URL", server.url.replace("//", "//me:word@"))
    message = llm_project.refused("rules")
    assert "OPENAI_BASE_URL holds a name or password" in message
    assert "word@" not in message
    assert server.stats["calls"] == 0


def test_a_refused_line_of_a_batch_is_kept_and_not_submitted_again(
    server: Server, llm_project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("stages.lib.llm.session.POLL", 0.01)
    monkeypatch.setenv("EMBEDSMITH_BATCH_WAIT", "20")
    llm_project.changes |= {"rules.fixed": ["Short."], "llm.mode": "batch"}
    server.marked = {"encrypting": "policy", "licensing": "list_error"}
    server.script = ["", "no_choices"]
    llm_project.must("rules", "generate")
    assert llm_project.metrics("generate")["rejected"] == 2
    assert len(server.batches) == 2, "the odd line alone goes into another batch"
    llm_project.must("generate")
    assert llm_project.metrics("generate")["rejected"] == 2
    assert len(server.batches) == 2


def test_a_batch_refused_as_a_whole_says_why(
    server: Server, llm_project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("stages.lib.llm.session.POLL", 0.01)
    monkeypatch.setenv("EMBEDSMITH_BATCH_WAIT", "20")
    llm_project.changes |= {"rules.fixed": ["Short."], "llm.mode": "batch"}
    llm_project.must("rules")
    server.script = ["list_error"] * 7
    said = "the endpoint says: Unknown name strict_mode; to ask anew, change what is asked"
    assert said in llm_project.refused("generate")
    assert said in llm_project.refused("generate")
    assert len(server.batches) == 1, "what is refused is not submitted again"
    llm_project.changes["llm.temperature"] = 0.99
    llm_project.must("generate")
    assert len(server.batches) == 2
