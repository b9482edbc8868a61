"""The stage mine by itself."""

import re
from pathlib import Path
from typing import Any

import pytest

from stages.lib.core.collection import (
    Queries,
    Split,
    write_split,
)
from stages.lib.core.files import read_json
from stages.lib.errors import UserError
from stages.lib.llm.query_answers import read_query_answers, write_query_answers
from stages.lib.llm.storage.store import Store
from stages.lib.scoring.likelihood import LocalLikelihood
from stages.lib.search.engine import Run
from stages.lib.teaching.cross_encoder import Reranker
from stages.lib.teaching.language_model import Reader, answers_by_text
from stages.lib.teaching.teacher import Answered
from tests.conftest import Change
from tests.scoring.tiny import make_tiny_causal
from tests.teaching.mining import CORPUS, DEV, SHORT, TRAIN, anew, expand, mined, run
from tests.teaching.test_cross_encoder import make_cross_encoder


def test_rows_without_judgements_hold_no_answers(mining_project: Path, tiny_model: Path) -> None:
    rows = mined(mining_project, tiny_model)
    assert rows.teacher in ("base", "fusion")
    assert {row.query_id for row in rows.train} <= TRAIN.queries.keys()
    assert rows.train
    for row in rows.train:
        assert row.positives == tuple(TRAIN.qrels[row.query_id])
        assert not set(row.positives) & set(row.negatives)
    (phrase,) = rows.unlabelled
    assert (phrase.query, phrase.source) == ("dog blue", "blue-dog")
    assert {row.query_id for row in rows.dev} == DEV.queries.keys()
    assert not any(row.answers for row in (*rows.train, *rows.unlabelled, *rows.dev))


def test_answers_of_people_and_of_a_judge_reach_the_rows(
    mining_project: Path, tiny_model: Path
) -> None:
    expand(
        mining_project,
        {"q-red-apple": {"red-apple": 1, "red-pear": 1}},
        {"q-red-pear": {"blue-plum": 1}},
    )
    by_people = Split(
        {"p1": "what is a bird", "p2": "how of the cat"},
        {"p1": {"blue-cat": 2, "red-cat": 1, "red-dog": 0}, "p2": {"green-cat": 1}},
    )
    write_split(mining_project / "train", by_people)
    rows = mined(mining_project, tiny_model)
    by_id = {row.query_id: row for row in (*rows.train, *rows.unlabelled)}
    assert {query_id: row.answers for query_id, row in by_id.items() if row.answers} == {
        "p1": ("blue-cat", "red-cat"),
        "p2": ("green-cat",),
        "q-red-apple": ("red-apple", "red-pear"),
    }
    assert "blue-plum" not in by_id["q-red-pear"].ranking
    metrics = read_json(mining_project / "mine.json")
    assert (metrics["judged"], metrics["queries_by_people"]) == (3, 2)


class Everything:
    """A teacher that finds the same for every query."""

    name = "everything"

    def rank(self, queries: Queries) -> Run:
        run = {doc_id: -float(rank) for rank, doc_id in enumerate(CORPUS)}
        return dict.fromkeys(queries, run)


def test_a_cross_encoder_that_is_best_on_dev_teaches(
    mining_project: Path, tiny_model: Path, with_params: Change
) -> None:
    folder = make_cross_encoder(mining_project / "cross-encoder", tiny_model)
    changes = {"mine.cross_encoder": "named", "mine.cross_encoder_depth": len(CORPUS)}
    settings = with_params(SHORT | changes)
    # it grades the whole corpus, whichever teacher comes before it; its own first is the answer
    teacher = Reranker("cross-encoder", folder, CORPUS, Everything(), settings.mine)
    graded = teacher.rank(DEV.queries)
    qrels = {query_id: {next(iter(ranking)): 1} for query_id, ranking in graded.items()}
    write_split(mining_project / "synthetic" / "dev", Split(DEV.queries, qrels))
    rows = mined(mining_project, tiny_model)
    assert rows.teacher == "cross-encoder"
    metrics = read_json(mining_project / "mine.json")
    assert metrics["teacher"] == "cross-encoder"
    assert metrics["dev_ndcg_cut_10_by_teacher"]["cross-encoder"] == 1.0
    wanted = teacher.rank(TRAIN.queries)
    for row in rows.train:
        assert next(iter(row.ranking)) == next(iter(wanted[row.query_id]))


@pytest.fixture
def with_language_model(mining_project: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """A small language model in the project, and an answer to each query."""
    monkeypatch.setenv("EMBEDSMITH_HOME", str(mining_project / "home"))
    make_tiny_causal(mining_project / "language-model", "llama")
    rows = (TRAIN.qrels | DEV.qrels).items()
    answers = {query_id: CORPUS[next(iter(row))].text for query_id, row in rows}
    write_query_answers(mining_project / "answers.jsonl", answers)
    return SHORT | {
        "generate.answers": True,
        "mine.language_model": "named",
        "mine.language_model_depth": len(CORPUS),
        "scoring.most_tokens": 32,
    }


def test_a_language_model_that_is_best_on_dev_teaches_by_the_answers(
    mining_project: Path, tiny_model: Path, with_params: Change, with_language_model: dict[str, Any]
) -> None:
    settings = with_params(with_language_model)
    answers = read_query_answers(mining_project / "answers.jsonl")
    by_text = answers_by_text(answers, TRAIN.queries, DEV.queries)
    store = Store(mining_project / "scores.jsonl", mining_project / "journal")
    likelihood = LocalLikelihood(
        mining_project / "language-model", "mine.language_model", store, settings.scoring
    )
    reader = Reader("r", CORPUS, Everything(), Answered(by_text, likelihood), len(CORPUS))
    graded = reader.rank(DEV.queries)
    # its own first document is the answer: nobody else puts all of these first
    qrels = {query_id: {next(iter(ranking)): 1} for query_id, ranking in graded.items()}
    write_split(mining_project / "synthetic" / "dev", Split(DEV.queries, qrels))
    rows = mined(mining_project, tiny_model)
    assert rows.teacher == "language-model"
    metrics = read_json(mining_project / "mine.json")
    assert metrics["dev_ndcg_cut_10_by_teacher"]["language-model"] == 1.0
    wanted = reader.rank(TRAIN.queries)
    for row in rows.train:
        assert list(row.ranking)[:3] == list(wanted[row.query_id])[:3]
    before = (mining_project / "mined" / "train.jsonl").read_bytes()
    assert anew(mining_project, tiny_model) == 0
    answers["q-red-dog"] = "blue car"
    write_query_answers(mining_project / "answers.jsonl", answers)
    assert anew(mining_project, tiny_model) > 0
    assert (mining_project / "mined" / "train.jsonl").read_bytes() != before


def test_a_language_model_needs_answers_and_has_to_be_one(
    mining_project: Path, tiny_model: Path, with_params: Change, with_language_model: dict[str, Any]
) -> None:
    with_params(with_language_model)
    write_query_answers(mining_project / "answers.jsonl", {"elsewhere": "an answer"})
    assert "answers.jsonl: no answer to any query" in run(mining_project, tiny_model).output
    write_query_answers(mining_project / "answers.jsonl", dict.fromkeys(DEV.queries, "blue car"))
    (mining_project / "language-model" / "config.json").unlink()
    result = run(mining_project, tiny_model)
    assert result.exit_code == 1
    assert re.search("mine.language_model: .* is no causal language model", result.output)
    with pytest.raises(UserError, match="generate.answers is false"):
        with_params(with_language_model | {"generate.answers": False})


def test_a_margin_that_no_document_keeps(
    mining_project: Path, tiny_model: Path, with_params: Change
) -> None:
    with_params(SHORT | {"mine.range_min": len(CORPUS), "mine.range_max": len(CORPUS) + 1})
    result = run(mining_project, tiny_model)
    assert result.exit_code == 1
    assert "no query has a negative; loosen mine.margin" in result.output
    assert not (mining_project / "mined").exists()
