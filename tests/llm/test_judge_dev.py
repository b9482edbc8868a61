"""The stage judge_dev, against the scripted endpoint."""

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from stages import embed
from stages.lib.core.collection import read_split
from stages.lib.core.files import read_json
from tests.llm.conftest import Project
from tests.llm.diligent import answer
from tests.llm.server import Server
from tests.llm.test_stages import cost

DOCUMENTS = 16


@pytest.fixture
def judging_project(server: Server, llm_project: Project, tiny_model: Path) -> Project:  # noqa: ARG001
    """Documents without a word in common, twelve of them held out with a query each."""
    llm_project.write_corpus(
        [(f"d{n:02}", "", f"one{n} two{n} three{n} four{n}") for n in range(DOCUMENTS)]
    )
    llm_project.write_split(
        "asked", [(f"a{n}", f"one{n} two{n}", f"d{n:02}", 1) for n in range(12)]
    )
    llm_project.write("rules.out.json", json.dumps({"rules": ["Queries are short."]}))
    llm_project.changes |= {
        "encoder.max_length": 32,
        "rules.fixed": ["Queries are short."],
        "judge_dev.queries": 20,
        "judge_dev.depth": 2,
        "judge_dev.documents_per_call": 3,
    }
    paths = ["--corpus", llm_project.folder / "corpus.jsonl", "--model", tiny_model]
    paths += ["--out", llm_project.folder / "vectors", "--params", llm_project.params()]
    done = CliRunner().invoke(embed.main, [*map(str, paths), "--with-sentences"])
    assert done.exit_code == 0, done.output
    (llm_project.folder / "base").symlink_to(tiny_model)
    return llm_project


def test_dev_queries_are_drawn_written_pooled_and_graded(
    server: Server, judging_project: Project
) -> None:
    judging_project.write_split("dev", [("p1", "one3 two3 three3", "d03", 2)])
    (line,) = judging_project.must("judge_dev").splitlines()
    assert line.startswith("judge_dev: 20 of 20 dev queries have a relevant document, ")
    asked = read_json(judging_project.folder / "judged/questions.json")
    # five documents have a contrast and a vague query each, and ten queries were asked
    types = Counter(query["type"] for query in asked["queries"].values())
    assert types == {"asked": 10, "contrast": 5, "vague": 5, "by people": 1}
    assert all(doc_id != other for doc_id, other in asked["neighbours"].items())
    split = read_split(judging_project.folder / "judged")
    assert "p1" not in split.queries, "people's queries only check the judge"
    for name, judged in split.qrels.items():
        documents = everything_of(asked["queries"][name])
        assert sorted(judged) == sorted(documents), "what is irrelevant stands in the split too"
        assert 2 <= len(documents) <= 9
        # the scripted judge counts words in common, which only the query's own document has
        (relevant,) = (doc_id for doc_id, grade in judged.items() if grade)
        number = int(relevant.removeprefix("d"))
        assert f"one{number} " in f"{split.queries[name]} "
        assert judged[relevant] == (2 if asked["queries"][name]["type"] == "asked" else 3)
    metrics = judging_project.metrics("judge_dev")
    assert metrics["by_type"]["vague"] == {"drawn": 5, "usable": 5}
    assert metrics["grades"]["2"] == metrics["grades"]["3"] == 10
    assert metrics["grades"]["0"] == metrics["documents"] - 20
    assert metrics["source_relevant"] == 1
    assert metrics["agreement"]["kappa"] == 1
    calls = metrics["hard"]["questions"] + metrics["judgements"]["questions"]
    assert calls == server.stats["calls"]


def everything_of(query: dict[str, Any]) -> list[str]:
    return [*query["documents"], *query["additions"]]


def test_what_an_early_student_finds_is_graded_and_the_rest_not_paid_for_again(
    server: Server, judging_project: Project
) -> None:
    def judged() -> dict[str, dict[str, Any]]:
        judging_project.must("judge_dev")
        plan = read_json(judging_project.folder / "judged/questions.json")
        return {name: row for name, row in plan["queries"].items() if row["type"] == "asked"}

    before, calls = judged(), server.stats["calls"]
    few = sum("d15" in everything_of(query) for query in before.values())
    assert few < 3, "to the base, all documents are one"
    # asked of the last document, which comes nearer to such queries than the others by that
    judging_project.write_split("synthetic", [("t1", "one3 two3", "d15", 1)])
    after = judged()
    assert all("d15" in everything_of(query) for query in after.values())
    assert [query["documents"] for query in after.values()] == [
        query["documents"] for query in before.values()
    ]
    pools = {query["text"]: {*query["documents"]} for query in after.values()}
    asked = [body["messages"][-1]["content"].splitlines() for body in server.bodies[calls:]]
    assert len(asked) >= len(after)
    for lines in asked:
        rows = [json.loads(line) for line in lines]
        (text,) = (row["query"] for row in rows if "query" in row)
        shown = {row["doc_id"] for row in rows if "doc_id" in row}
        assert not shown & pools.get(text, set()), "a call has nothing but what is new"
    stored = (judging_project.folder / "llm/judge_dev.jsonl").read_bytes().splitlines()
    assert cost(judging_project.must("cost"))["judge_dev"] == [len(stored), 0, 0, 0, 0]
    grades = read_split(judging_project.folder / "judged").qrels
    assert all("d15" in grades[name] for name in after)


def test_after_an_edit_nothing_is_asked_but_what_shows_the_edited_document(
    server: Server, judging_project: Project
) -> None:
    judging_project.must("judge_dev")
    calls = server.stats["calls"]
    judging_project.write_corpus(
        [
            (f"d{n:02}", "", f"one{n} two{n} three{n} four{n}" + " edited" * (n == 3))
            for n in range(DOCUMENTS)
        ]
    )
    judging_project.must("judge_dev")
    asked = [body["messages"][-1]["content"] for body in server.bodies[calls:]]
    assert 0 < len(asked) < calls / 2
    assert all("four3 edited" in content for content in asked)


def test_ranks_do_not_show(judging_project: Project) -> None:
    judging_project.must("judge_dev")
    asked = read_json(judging_project.folder / "judged/questions.json")["queries"].values()
    places = [
        query["documents"].index(f"d{int(query['text'].split('one')[1].split()[0]):02}")
        for query in asked
    ]
    assert len(set(places)) > 2, "the best document is not always at one place"


def test_nothing_is_paid_for_twice_and_cost_says_so(
    server: Server, judging_project: Project
) -> None:
    before = cost(judging_project.must("cost"))["judge_dev"]
    assert server.stats["calls"] == 0
    judging_project.must("judge_dev")
    calls = server.stats["calls"]
    # at most: here the early student finds nothing that the others do not
    assert calls <= before[1] <= 4 * calls
    first = (judging_project.folder / "judged/qrels.tsv").read_bytes()
    store = judging_project.folder / "llm/judge_dev.jsonl"
    stored = store.read_bytes()
    assert len(stored.splitlines()) == calls, "the hard queries are in it as well"
    assert cost(judging_project.must("cost"))["judge_dev"] == [calls, 0, 0, 0, 0]
    store.unlink()
    judging_project.must("judge_dev")
    assert (judging_project.folder / "judged/qrels.tsv").read_bytes() == first
    assert store.read_bytes() == stored
    assert server.stats["calls"] == calls
    judging_project.changes["judge_dev.depth"] = 3
    assert "at most" in judging_project.must("cost"), "the last plan was made by other parameters"


def test_the_budget_holds_over_both_rounds_of_questions(
    server: Server, judging_project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    judging_project.changes["llm.max_tokens"] = 100
    monkeypatch.setenv("EMBEDSMITH_CONCURRENCY", "1")
    monkeypatch.setenv("EMBEDSMITH_BUDGET", "0.0037")
    assert "EMBEDSMITH_BUDGET of 0.0037 is reached" in judging_project.refused("judge_dev")
    assert not (judging_project.folder / "judged").exists()
    sizes = [sum(len(part["content"]) for part in body["messages"]) for body in server.bodies]
    assert len(sizes) > 5, "the grades were under way"
    assert sum(sizes) / 4 * 0.4 / 1e6 <= 0.0037
    monkeypatch.delenv("EMBEDSMITH_BUDGET")
    judging_project.must("judge_dev")
    assert max(server.answered.values()) == 1


def lenient(body: dict[str, Any]) -> dict[str, Any]:
    """A judge that finds everything good."""
    said = answer(body)
    for judgement in said.get("judgements", []):
        judgement["relevance"] = 3
    return said


def test_a_judge_that_gives_one_grade_is_told_and_the_run_goes_on(
    judging_project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tests.llm.server.answer", lenient)
    (line,) = judging_project.must("judge_dev").splitlines()
    documents = judging_project.metrics("judge_dev")["documents"]
    assert line.startswith(f"judge_dev: the judge gave the grade 3 to all of {documents} documents")
    assert not read_split(judging_project.folder / "judged")
    assert judging_project.metrics("judge_dev")["usable"] == 20
    assert judging_project.metrics("judge_dev")["fault"]


def strict(body: dict[str, Any]) -> dict[str, Any]:
    """A judge to whom only what was written for it is good enough: nothing with two words."""
    said = answer(body)
    for judgement in said.get("judgements", []):
        judgement["relevance"] = {2: 1}.get(judgement["relevance"], judgement["relevance"])
    return said


def test_too_few_queries_are_told_and_the_run_goes_on(
    judging_project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tests.llm.server.answer", strict)
    judging_project.changes["judge_dev.queries"] = 16
    (line,) = judging_project.must("judge_dev").splitlines()
    assert line.startswith("judge_dev: a document is relevant for 8 of 16 queries, and fewer than")
    assert not read_split(judging_project.folder / "judged")
    assert judging_project.metrics("judge_dev")["by_type"]["asked"] == {"drawn": 8, "usable": 0}


def test_queries_without_a_relevant_document_are_left_out(
    judging_project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tests.llm.server.answer", strict)
    judging_project.must("judge_dev")
    split = read_split(judging_project.folder / "judged")
    assert len(split.queries) == 10
    assert all(name.startswith("syn-") for name in split.queries)
    assert {grade for judged in split.qrels.values() for grade in judged.values()} == {0, 3}


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"judge_dev.queries": 0}, "judge_dev.queries is 0"),
        ({"llm.provider": "extractive"}, "llm.provider is extractive"),
        (
            {"llm.provider": "none", "prepare.queries_from": "inpars"},
            "llm.provider is none",
        ),
        (
            {"llm.provider": "recorded", "llm.recorded": "elsewhere"},
            "no judgements are recorded in elsewhere",
        ),
    ],
)
def test_nothing_is_asked_where_nobody_judges(
    server: Server, judging_project: Project, changes: dict[str, Any], reason: str
) -> None:
    judging_project.changes |= changes
    (line,) = judging_project.must("judge_dev").splitlines()
    assert line.startswith(f"judge_dev: {reason}, nothing is judged, ")
    assert read_split(judging_project.folder / "judged").queries == {}
    assert (judging_project.folder / "llm/judge_dev.jsonl").read_bytes() == b""
    assert server.stats["calls"] == 0


def test_recorded_hard_queries_and_grades(judging_project: Project) -> None:
    judging_project.changes |= {
        "llm.provider": "recorded",
        "llm.recorded": str(judging_project.folder / "rec"),
    }
    hard = [
        {"doc_id": f"d{n:02}", "queries": [{"type": "vague", "text": f"four{n}"}]}
        for n in range(12)
    ]
    judging_project.write("rec/hard.jsonl", "".join(json.dumps(row) + "\n" for row in hard))
    judging_project.write("rec/judgements.jsonl", "")
    judging_project.must("judge_dev")
    asked = read_json(judging_project.folder / "judged/questions.json")["queries"]
    assert judging_project.metrics("judge_dev")["judged"] == 0
    everything = [f"d{n:02}" for n in range(DOCUMENTS)] + ["elsewhere"]
    rows = [
        {
            "query_id": name,
            "judgements": [
                {"doc_id": doc_id, "relevance": 2 if query["text"][-1:] == doc_id[-1:] else 0}
                for doc_id in everything
            ],
        }
        for name, query in asked.items()
    ]
    judging_project.write("rec/judgements.jsonl", "".join(json.dumps(row) + "\n" for row in rows))
    judging_project.must("judge_dev")
    metrics = judging_project.metrics("judge_dev")
    assert metrics["judged"] == metrics["drawn"] == 15
    assert metrics["judgements"]["faults"] == {}, "what a call does not show is no fault"
    assert metrics["documents"] == sum(len(everything_of(query)) for query in asked.values())
    assert len(read_split(judging_project.folder / "judged").queries) >= 15
