"""Short answers to generated queries: asked once, found by the query, none where it is off."""

import json

import pytest

from stages.lib.core.generated import query_id
from stages.lib.errors import UserError
from stages.lib.llm.query_answers import read_query_answers
from stages.lib.params import read_params
from tests.llm.conftest import Project
from tests.llm.server import Server
from tests.llm.test_stages import cost


def written(project: Project) -> dict[str, str]:
    return read_query_answers(project.folder / "query_answers.jsonl")


def test_each_query_gets_an_answer_from_its_document_and_stays_as_it_is(
    server: Server, llm_project: Project
) -> None:
    llm_project.changes |= {"rules.fixed": ["Short."], "judge_dev.queries": 0}
    llm_project.must("rules", "generate")
    calls, queries = server.stats["calls"], llm_project.queries()
    assert written(llm_project) == {}
    assert "answers" not in llm_project.metrics("generate")
    llm_project.changes["generate.answers"] = True
    assert cost(llm_project.must("cost"))["all"][1] == 7
    llm_project.must("generate")
    assert server.stats["calls"] == calls + 7, "a call a document, and none for the queries"
    assert llm_project.queries() == queries
    for number, topic in enumerate(("restoring", "backing", "encrypting")):
        for row in (each for each in queries if each["doc_id"] == f"d{number}"):
            assert written(llm_project)[row["_id"]] == (
                f"{topic} takes {number} hours: {row['text']}"
            )
    assert written(llm_project).keys() == {row["_id"] for row in queries}
    assert llm_project.metrics("generate")["answers"]["written"] == 14
    assert cost(llm_project.must("cost"))["all"][1] == 0
    llm_project.must("generate")
    assert server.stats["calls"] == calls + 7


def test_answers_that_are_left_out_or_of_another_form_are_asked_once_more(
    server: Server, llm_project: Project
) -> None:
    llm_project.changes |= {"rules.fixed": ["Short."]}
    llm_project.must("rules", "generate")
    llm_project.changes["generate.answers"] = True
    server.script = ["not_json", "refusal"]
    llm_project.must("generate")
    assert len(written(llm_project)) == 14
    assert llm_project.metrics("generate")["answers"]["faults"] == {"not_json": 1, "refused": 1}


def test_a_second_batch_brings_the_answers(
    server: Server, llm_project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    changes = {"rules.fixed": ["Short."], "llm.mode": "batch", "generate.answers": True}
    llm_project.changes |= changes
    monkeypatch.setenv("EMBEDSMITH_BATCH_WAIT", "30")
    monkeypatch.setattr("stages.lib.llm.session.POLL", 0.01)
    llm_project.must("rules", "generate")
    assert len(server.batches) == 2
    assert len(written(llm_project)) == 14


def test_answers_stay_within_the_budget(
    server: Server, llm_project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    llm_project.changes["rules.fixed"] = ["Short."]
    llm_project.must("rules", "generate")
    llm_project.changes["generate.answers"] = True
    calls = server.stats["calls"]
    monkeypatch.setenv("EMBEDSMITH_BUDGET", "0.0000001")
    assert "EMBEDSMITH_BUDGET of 1e-07 is reached" in llm_project.refused("generate")
    assert server.stats["calls"] == calls


def test_a_recorded_answer_belongs_to_the_words_of_its_query(llm_project: Project) -> None:
    llm_project.changes |= {
        "llm.provider": "recorded",
        "llm.recorded": str(llm_project.folder / "rec"),
        "generate.answers": True,
        "rules.fixed": ["Short."],
    }
    texts = {"question": "How long?", "keywords": "time of it"}
    queries = [{"type": kind, "text": text} for kind, text in texts.items()]
    llm_project.write("rec/queries.jsonl", json.dumps({"doc_id": "d1", "queries": queries}))
    answers = [
        {"query": "How long?", "text": "An hour."},
        {"query": "asked in other words", "text": "Nothing."},
        "no answer",
    ]
    llm_project.write("rec/query_answers.jsonl", json.dumps({"doc_id": "d1", "answers": answers}))
    llm_project.must("rules", "generate")
    assert written(llm_project) == {query_id("d1", "question", "How long?"): "An hour."}


@pytest.mark.parametrize("provider", ["extractive", "none"])
def test_answers_without_a_language_model_are_refused(llm_project: Project, provider: str) -> None:
    llm_project.changes |= {
        "generate.answers": True,
        "llm.provider": provider,
        "prepare.queries_from": "inpars",
    }
    with pytest.raises(UserError, match=f"generate.answers needs an LLM.*is {provider}"):
        read_params(llm_project.params())
