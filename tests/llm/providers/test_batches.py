"""What goes wrong with batches, and what becomes of the run."""

import pytest

from tests.llm.conftest import Project
from tests.llm.providers.bad_answers import BAD_ANSWERS
from tests.llm.server import Server


@pytest.fixture
def batched(llm_project: Project, monkeypatch: pytest.MonkeyPatch) -> Project:
    """A project whose rules are there and whose queries come by batches, waited for."""
    monkeypatch.setattr("stages.lib.llm.session.POLL", 0.01)
    monkeypatch.setenv("EMBEDSMITH_BATCH_WAIT", "20")
    llm_project.changes |= {"rules.fixed": ["Short."], "llm.mode": "batch"}
    llm_project.must("rules")
    return llm_project


@pytest.mark.parametrize(("fault", "kind"), BAD_ANSWERS)
def test_a_bad_answer_is_counted_and_its_question_alone_submitted_again(
    server: Server, batched: Project, fault: str, kind: str
) -> None:
    server.script = ["", fault]
    batched.must("generate")
    assert len(batched.queries()) == 14
    assert batched.metrics("generate")["faults"] == {kind: 1}
    assert lines(server) == [7, 1]


@pytest.mark.parametrize("fault", ["error_in_200", "no_choices", "null_choices", "expired", "drop"])
def test_an_odd_line_holds_back_none_of_the_others(
    server: Server, batched: Project, fault: str
) -> None:
    server.script = ["", "", fault]
    batched.must("generate")
    assert len(batched.queries()) == 14
    assert lines(server) == [7, 1]


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        ("error_in_200", "upstream overloaded"),
        ("expired", "too late"),
        ("drop", "batch batch-0 has no line for a question"),
    ],
)
def test_a_line_that_never_comes_is_submitted_twice_a_run(
    server: Server, batched: Project, fault: str, words: str
) -> None:
    server.marked = {"encrypting": fault}
    message = batched.refused("generate")
    assert f"batch-1 ended as completed without an answer ({words})" in message
    assert lines(server) == [7, 1]
    server.marked = {}
    batched.must("generate")
    assert lines(server) == [7, 1, 1]


def test_a_text_that_is_refused_costs_its_neighbours_nothing(
    server: Server, batched: Project
) -> None:
    server.marked = {"encrypting": "policy", "licensing": "refusal"}
    batched.must("generate")
    assert len({row["doc_id"] for row in batched.queries()}) == 5
    found = batched.metrics("generate")
    assert (found["rejected"], found["given_up"]) == (1, 1)


def test_a_file_that_the_endpoint_cannot_read_says_why(server: Server, batched: Project) -> None:
    server.batch_failure = "line 3 is no JSON"
    message = batched.refused("generate")
    assert "batch batch-0 ended as failed without an answer (line 3 is no JSON)" in message
    assert "mend that and run again" in message
    server.batch_failure = ""
    batched.must("generate")
    assert len(batched.queries()) == 14


def test_used_up_quota_is_told_and_a_later_run_submits_again(
    server: Server, batched: Project
) -> None:
    server.script = ["quota"] * 7
    assert "without an answer (Your quota is used up)" in batched.refused("generate")
    batched.must("generate")
    assert lines(server) == [7, 7]


def test_an_output_that_is_torn_gives_what_is_whole(server: Server, batched: Project) -> None:
    server.batch_ready = False
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("EMBEDSMITH_BATCH_WAIT", "0")
        batched.refused("generate")
    name = server.batches["batch-0"]["output_file_id"]
    server.files[name] = server.files[name][:-40] + b"\nno JSON\n[]\n"
    server.batch_ready = True
    batched.must("generate")
    assert len(batched.queries()) == 14
    assert lines(server) == [7, 1]


@pytest.mark.parametrize(
    ("address", "words"),
    [("/v2", "refuses the batch (404): not found"), ("", "cannot be reached")],
)
def test_an_endpoint_without_batches(
    server: Server, batched: Project, monkeypatch: pytest.MonkeyPatch, address: str, words: str
) -> None:
    monkeypatch.setattr("stages.lib.llm.providers.batches.RETRIES", 0)
    elsewhere = server.url.replace("/v1", address) if address else "http://127.0.0.1:9/v1"
    monkeypatch.setenv("OPENAI_BASE_URL", elsewhere)
    assert f"{words}; batches submitted so far are kept" in batched.refused("generate")
    assert not server.batches


def test_the_budget_holds_over_all_batches_of_a_run(
    server: Server, batched: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    batched.write_corpus([(f"d{n}", "", f"text number {n} of many") for n in range(40)])
    monkeypatch.setenv("EMBEDSMITH_BUDGET", "0.01")
    assert "EMBEDSMITH_BUDGET of 0.01 is reached" in batched.refused("generate")
    assert 0 < sum(lines(server)) < 40
    monkeypatch.setenv("EMBEDSMITH_BUDGET", "1")
    batched.must("generate")
    assert sum(lines(server)) == 40


def lines(server: Server) -> list[int]:
    """How many questions each batch held that was submitted."""
    sent = [text for text in server.files.values() if b'"url"' in text]
    return [len(text.splitlines()) for text in sent]
