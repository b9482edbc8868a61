"""What the endpoint does wrong, and what becomes of the run."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from stages.lib.llm.storage.journal import Journal
from tests.imports import ROOT
from tests.llm.conftest import Project
from tests.llm.providers.bad_answers import BAD_ANSWERS
from tests.llm.server import Server


def test_two_stages_write_queries_of_each_type(server: Server, llm_project: Project) -> None:
    llm_project.must("rules", "generate")
    rows = llm_project.queries()
    assert len(rows) == 14
    assert rows == sorted(rows, key=lambda row: row["_id"])
    texts = {row["text"] for row in rows if row["doc_id"] == "d1"}
    assert texts == {"keywords about backing takes 1 hours", "question about backing takes 1 hours"}
    assert server.stats["calls"] == 8
    assert '- "Rule 4 about the queries. It is long.' in server.bodies[-1]["messages"][0]["content"]


@pytest.mark.parametrize(("fault", "kind"), BAD_ANSWERS)
def test_a_bad_answer_is_counted_kept_and_asked_again(
    server: Server, llm_project: Project, fault: str, kind: str
) -> None:
    llm_project.must("rules", "generate")
    good = (llm_project.folder / "queries.jsonl").read_bytes()
    llm_project.changes["generate.max_characters"] = 299  # the same prompts
    os.environ["EMBEDSMITH_HOME"] += "-other"
    (llm_project.folder / "llm/generate.jsonl").unlink()
    server.script = ["", fault, fault]
    calls = server.stats["calls"]
    llm_project.must("generate")
    assert server.stats["calls"] - calls == 7 + 2
    assert llm_project.metrics("generate")["faults"] == {kind: 2}
    assert (llm_project.folder / "queries.jsonl").read_bytes() == good
    assert len((llm_project.folder / "llm/generate.jsonl").read_text().splitlines()) == 9


@pytest.mark.parametrize("fault", ["rate_limit", "server_error", "drop"])
def test_transport_faults_are_waited_out(server: Server, llm_project: Project, fault: str) -> None:
    llm_project.must("rules")
    server.script = [fault, fault]
    start = time.monotonic()
    llm_project.must("generate")
    assert len(llm_project.queries()) == 14
    assert llm_project.metrics("generate")["faults"] == {}
    if fault == "rate_limit":
        assert time.monotonic() - start > 0.6, "two waits of 0.3 seconds, as Retry-After says"


def test_half_a_character_does_not_lose_the_answer(server: Server, llm_project: Project) -> None:
    server.script = ["", "half_character"]
    llm_project.must("rules", "generate")
    assert [row["text"] for row in llm_project.queries()].count("half ?") == 1
    calls = server.stats["calls"]
    llm_project.must("generate")
    assert server.stats["calls"] == calls == 8


def test_a_subject_that_never_gets_a_usable_answer_costs_its_neighbours_nothing(
    server: Server, llm_project: Project
) -> None:
    server.marked = {"encrypting": "refusal"}
    llm_project.changes["llm.attempts"] = 3
    llm_project.changes["rules.fixed"] = ["Short."]
    llm_project.must("rules", "generate")
    assert {row["doc_id"] for row in llm_project.queries()} == {f"d{n}" for n in range(7)} - {"d2"}
    assert llm_project.metrics("generate")["given_up"] == 1
    assert llm_project.metrics("generate")["faults"] == {"refused": 2}
    assert server.stats["calls"] == 6 + 2, "the same useless answer twice is enough"


def test_what_is_whole_in_truncated_answers_counts_in_the_end(
    server: Server, llm_project: Project
) -> None:
    server.marked = {"encrypting": "cut_off"}
    llm_project.changes["llm.attempts"] = 2
    llm_project.changes["rules.fixed"] = ["Short."]
    llm_project.must("rules", "generate")
    rows = [row for row in llm_project.queries() if row["doc_id"] == "d2"]
    assert [row["type"] for row in rows] == ["keywords"]


def test_a_document_that_the_endpoint_refuses_to_take_is_left_out(
    server: Server, llm_project: Project
) -> None:
    server.marked = {"encrypting": "too_long"}
    llm_project.changes["rules.fixed"] = ["Short."]
    llm_project.must("rules", "generate")
    assert llm_project.metrics("generate")["rejected"] == 1
    assert len({row["doc_id"] for row in llm_project.queries()}) == 6


def test_an_endpoint_without_schemas_is_asked_in_words(
    server: Server, llm_project: Project
) -> None:
    server.structured = False
    server.script = ["", "fenced", "", "fenced"]
    llm_project.must("rules", "generate")
    assert len(llm_project.queries()) == 14
    assert sum("response_format" in body for body in server.bodies) == 2, "one a run"


def test_missing_key(llm_project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    assert "OPENAI_API_KEY is not set" in llm_project.refused("rules")


def test_no_endpoint(server: Server, llm_project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("stages.lib.llm.providers.channel.RETRIES", 0)
    monkeypatch.setenv("OPENAI_BASE_URL", "http://127.0.0.1:9/v1")
    assert "127.0.0.1:9/v1 cannot be reached (" in llm_project.refused("rules")
    assert server.stats["calls"] == 0


def test_a_model_that_never_answers_usably_is_given_up_early(
    server: Server, llm_project: Project
) -> None:
    llm_project.write_corpus([(f"d{n}", "", f"text number {n}") for n in range(200)])
    llm_project.must("rules")
    llm_project.changes["llm.attempts"] = 2
    server.script = ["not_json"] * 1000
    assert "no usable answer to any of 20 questions (" in llm_project.refused("generate")
    assert server.stats["calls"] < 100


def test_repeated_failures_stop_and_a_later_run_goes_on(
    server: Server, llm_project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("stages.lib.llm.providers.channel.RETRIES", 0)
    llm_project.must("rules")
    server.script = ["", "", "server_error"]
    message = llm_project.refused("generate")
    assert "1 calls got no answer (the last: " in message
    assert "6 of 7 are done and kept, run again to go on" in message
    llm_project.must("generate")
    assert server.stats["calls"] == 1 + 7 + 1


def test_concurrency_is_bounded(
    server: Server, llm_project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EMBEDSMITH_CONCURRENCY", "3")
    server.latency = 0.05
    llm_project.write_corpus([(f"d{n}", "", f"text number {n} of many") for n in range(40)])
    llm_project.must("rules", "generate")
    assert server.stats["most_in_flight"] == 3


def test_identical_documents_are_paid_for_once(server: Server, llm_project: Project) -> None:
    llm_project.write_corpus([(f"d{n}", "Same", "the very same text") for n in range(5)])
    traits = ("length", "difficulty", "clarity", "language")
    llm_project.changes["generate.attributes"] = {name: {} for name in traits}
    server.latency = 0.02
    llm_project.must("rules", "generate")
    assert server.stats["calls"] == 2
    assert len(llm_project.queries()) == 10


def test_budget_is_never_passed_and_a_later_run_goes_on(
    server: Server, llm_project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    documents = [(f"d{n}", "", f"text number {n} of many") for n in range(40)]
    llm_project.write_corpus(documents)
    llm_project.must("rules")
    # a call takes about 400 tokens in, 40 out: 0.0002; most of a reservation is max_tokens
    monkeypatch.setenv("EMBEDSMITH_BUDGET", "0.006")
    message = llm_project.refused("generate")
    assert "EMBEDSMITH_BUDGET of 0.006 is reached" in message
    assert "of 40 are done and kept, run again to go on" in message
    first = server.stats["calls"] - 1
    assert 10 < first < 40
    journal = Journal(llm_project.folder.parent / "home/responses.db")
    rows = [json.loads(line) for _, line in journal.lines()]
    usage = [row["response"] for row in rows if row["schema"] == "synthetic_queries"]
    assert len(usage) == first
    spent = sum(0.4 * u["prompt_tokens"] + 1.6 * u["completion_tokens"] for u in usage) / 1e6
    assert 0.003 < spent <= 0.006
    monkeypatch.setenv("EMBEDSMITH_BUDGET", "1")
    llm_project.must("generate")
    assert server.stats["calls"] == 41


def test_an_ill_typed_variable(
    server: Server, llm_project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EMBEDSMITH_CONCURRENCY", "many")
    assert "EMBEDSMITH_CONCURRENCY: " in llm_project.refused("rules")
    assert server.stats["calls"] == 0


def start(llm_project: Project, stage: str) -> "subprocess.Popen[str]":
    command = [sys.executable, "-m", f"stages.{stage}", *llm_project.arguments(stage)]
    return subprocess.Popen(
        command,
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        # a shell that runs the tests in the background hands down that Ctrl-C is ignored
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )


def wait_for(server: Server, calls: int) -> None:
    end = time.monotonic() + 30
    while server.stats["calls"] < calls and time.monotonic() < end:
        time.sleep(0.005)
    assert server.stats["calls"] >= calls


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGINT])
def test_a_stopped_run_is_gone_on_with(
    server: Server, llm_project: Project, monkeypatch: pytest.MonkeyPatch, how: signal.Signals
) -> None:
    llm_project.write_corpus([(f"d{n:03}", "", f"text number {n} of many") for n in range(120)])
    monkeypatch.setenv("EMBEDSMITH_CONCURRENCY", "4")
    server.latency = 0.03
    llm_project.must("rules")
    process = start(llm_project, "generate")
    wait_for(server, 60)
    process.send_signal(how)
    output, _ = process.communicate(timeout=30)
    assert process.returncode != 0
    if how == signal.SIGINT:
        assert "Error: generate: interrupted; " in output
        assert " of 120 are done and kept, run again to go on" in output
        assert "Traceback" not in output
    llm_project.must("generate")
    assert len(llm_project.queries()) == 240
    again = sum(count - 1 for count in server.answered.values())
    assert again <= 4, "at most those that were under way"


def test_the_result_is_the_same_whatever_the_faults(server: Server, tmp_path: Path) -> None:
    found = []
    for rate in (0.0, 0.3):
        llm_project = Project(tmp_path / str(rate))
        llm_project.write_corpus([(f"d{n}", "", f"text number {n} of many") for n in range(60)])
        os.environ["EMBEDSMITH_HOME"] = str(tmp_path / f"home {rate}")
        server.fault_rate = rate
        llm_project.must("rules", "generate")
        found.append((llm_project.folder / "queries.jsonl").read_bytes())
    assert server.stats["faults"] > 10
    assert found[0] == found[1]
