"""The stage answer: recorded answers on three documents, and a scripted endpoint."""

import json
from math import exp
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from stages import answer
from stages.lib.answering.answers import Answer
from stages.lib.answering.measures import text_measures
from stages.lib.answering.verdicts import Verdict, graded, orders
from stages.lib.core.files import leave_unused, read_json, read_jsonl
from stages.lib.llm.providers.recorded import UNANSWERED
from tests.conftest import Change
from tests.imports import ROOT
from tests.llm.server import Server
from tests.scoring.tiny import make_tiny_causal
from tests.serving import serving
from tests.stages.conftest import options

DOG = "A dog is a green bird."


@pytest.fixture
def asking(evaluation_project: Path) -> Path:
    """Two questions with references, and what is recorded of them."""
    (evaluation_project / "fusion.json").write_text('{"base": 0.7, "tuned": 0.7}')
    leave_unused(evaluation_project / "reader", "no model is named")
    write(
        evaluation_project / "collection/answers.jsonl",
        {"_id": "q1", "answers": ["a red apple", "an apple"]},
        {"_id": "q2", "answers": ["a green dog"]},
    )
    write(
        evaluation_project / "llm/answers.jsonl",
        {"question": "apple", "statements": [{"text": "An apple.", "doc_ids": ["a"]}]},
        {"question": "what is a dog", "statements": [{"text": DOG, "doc_ids": ["c"]}]},
    )
    grades: dict[str, Any] = {"correctness": 3, "groundedness": 3}
    nothing = {"text": UNANSWERED, "correctness": 0, "groundedness": 3}
    write(
        evaluation_project / "llm/verdicts.jsonl",
        {"question": "apple", "verdicts": [{"text": "An apple."} | grades, nothing]},
        {"question": "what is a dog", "verdicts": [{"text": DOG} | grades, nothing]},
    )
    return evaluation_project


def write(path: Path, *rows: dict[str, Any]) -> None:
    path.parent.mkdir(exist_ok=True)
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))


def run(folder: Path, model: Path, change: Change, **changes: Any) -> Result:
    values: dict[str, Any] = {"encoder.max_length": 32, "evaluate.resamples": 200}
    values |= {
        "answer.enabled": True,
        "llm.recorded": str(folder / "llm"),
        "answer.passages": 1,
        **changes,
    }
    change({key.replace("__", "."): value for key, value in values.items()})
    arguments = options(
        collection=folder / "collection",
        synthetic=folder / "synthetic",
        fusion=folder / "fusion.json",
        base=model,
        base_vectors=folder / "vectors",
        onnx=folder / "onnx",
        export=folder / "export.json",
        tuned_vectors=folder / "vectors",
        reader=folder / "reader",
        prompts=ROOT / "stages/prompts",
        store=folder / "answer.jsonl",
        out=folder / "answers",
        metrics=folder / "answer.json",
        params=folder / "params.yaml",
    )
    return CliRunner().invoke(answer.main, arguments)


def test_recorded_answers_are_measured(asking: Path, tiny_model: Path, with_params: Change) -> None:
    done = run(asking, tiny_model, with_params)
    assert done.exit_code == 0, done.output
    assert done.stdout.startswith("answer: 2 questions of test, correct, by the LLM ")
    metrics = read_json(asking / "answer.json")
    assert (metrics["questions"], metrics["references"]) == (2, "the collection's")
    rows = {row["query_id"]: row for _, row in read_jsonl(asking / "answers/answers.jsonl")}
    for name in ("base", "tuned"):
        answers = {query_id: row["answers"][name] for query_id, row in rows.items()}
        assert answers["q1"]["doc_ids"] == ["a"], "BM25 finds it by its word"
        assert answers["q1"]["text"] == "An apple."
        assert answers["q1"]["measures"]["exact_match"] == 1.0
        shown = metrics["systems"][name]
        found = answers["q2"]["doc_ids"] == ["c"]
        assert shown["correctness"] == (1.0 if found else 0.5)
        assert shown["answered"] == (1.0 if found else 0.5)
        assert shown["groundedness"] == 1.0
    assert metrics["comparisons"]["token_f1"]["n"] == 2


def test_a_language_model_reads_the_references(
    asking: Path, tiny_model: Path, with_params: Change
) -> None:
    make_tiny_causal(asking / "reader", "llama")
    named = {"answer__verdicts": False, "answer__language_model": "a/reader"}
    done = run(asking, tiny_model, with_params, **named)
    assert done.exit_code == 0, done.output
    metrics = read_json(asking / "answer.json")
    assert metrics["language_model"] == "a/reader"
    found = metrics["perplexity"]
    assert found["log_probability"]["n"] == 2
    of_tuned = [
        row["answers"]["tuned"]["measures"]["reference_log_probability"]
        for _, row in read_jsonl(asking / "answers/answers.jsonl")
    ]
    assert found["tuned"] == pytest.approx(exp(-sum(of_tuned) / 2), rel=1e-4)
    assert "perplexity of the references" in done.stdout
    (asking / "reader/config.json").unlink()
    (asking / "answer.json").unlink()
    broken = run(asking, tiny_model, with_params, **named)
    assert broken.exit_code == 1
    assert broken.output.count("\n") == 1
    assert broken.output.startswith("Error: answer.language_model: ")
    assert not (asking / "answer.json").exists()


def test_it_is_off_and_leaves_empty_outputs(
    asking: Path, tiny_model: Path, with_params: Change
) -> None:
    for changes in ({"answer__enabled": False}, {"llm__provider": "extractive"}):
        done = run(asking, tiny_model, with_params, **changes)
        assert done.exit_code == 0, done.output
        assert "nothing is asked" in done.stdout
        assert (asking / "answers/answers.jsonl").read_bytes() == b""
        assert (asking / "answer.jsonl").read_bytes() == b""
        assert read_json(asking / "answer.json") == {"enabled": False}


def test_an_endpoint_writes_references_from_what_was_judged_best(
    asking: Path, tiny_model: Path, with_params: Change, monkeypatch: pytest.MonkeyPatch
) -> None:
    (asking / "collection/answers.jsonl").write_text("")
    with serving(Server(), monkeypatch, asking / "home") as server:
        done = run(asking, tiny_model, with_params, llm__provider="openai")
        assert done.exit_code == 0, done.output
        calls = server.stats["calls"]
        again = run(asking, tiny_model, with_params, llm__provider="openai")
        assert server.stats["calls"] == calls, "all answers are stored"
    assert again.stdout.rpartition(",")[0] == done.stdout.partition(", 0.0")[0]
    metrics = read_json(asking / "answer.json")
    assert metrics["references"] == "the LLM's, from judged passages"
    rows = {row["query_id"]: row for _, row in read_jsonl(asking / "answers/answers.jsonl")}
    # the scripted model repeats the first passage that it is shown
    assert rows["q1"]["references"] == ["apple"]
    assert rows["q1"]["answers"]["base"]["measures"]["correctness"] == 1.0
    assert metrics["verdicts"]["given_up"] == 0


def test_both_orders_take_the_favour_of_a_place_away() -> None:
    one, other = Answer("one", ("a",), ("a",)), Answer("two", ("b",), ("b",))
    assert orders({"base": one, "tuned": other}) == [["base", "tuned"], ["tuned", "base"]]
    assert orders({"base": one, "tuned": one}) == [["base tuned"]]
    systems = {"base": {"q": one}, "tuned": {"q": other}}
    # whichever is shown first gets a 3, the other a 1
    parts = [
        {"base": Verdict(3, 3), "tuned": Verdict(1, 3)},
        {"tuned": Verdict(3, 3), "base": Verdict(1, 3)},
    ]
    found = graded({"what": parts}, {"q": "what"}, systems, ["q"])
    assert found["base"]["correctness"] == found["tuned"]["correctness"] == {"q": 2 / 3}
    assert graded({"what": parts[:1]}, {"q": "what"}, systems, ["q"])["base"] == {
        "correctness": {},
        "groundedness": {},
    }, "one order alone tells nothing"


def test_measures_by_hand() -> None:
    # three of four words are the reference's three: precision 0.75, recall 1
    found = text_measures("the red apple tastes", ["blue", "THE red apple!"])
    assert found["exact_match"] == 0.0
    assert found["token_f1"] == found["rouge_l"] == pytest.approx(6 / 7)
    assert text_measures("Äpfel, rot", ["äpfel rot"])["exact_match"] == 1.0
    # the order counts for ROUGE-L alone
    turned = text_measures("apple red", ["red apple"])
    assert (turned["token_f1"], turned["rouge_l"]) == (1.0, 0.5)
    same = "a dog is a green bird"
    assert text_measures(same, [same])["bleu"] == pytest.approx(1.0)
