"""The stage mine by itself."""

import re
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner, Result

from stages.lib.core.collection import (
    Corpus,
    Document,
    Qrels,
    Queries,
    Split,
    write_corpus,
    write_qrels,
    write_split,
)
from stages.lib.core.examples import Mined, read_mined
from stages.lib.core.files import read_json
from stages.lib.core.generated import Generated, write_generated
from stages.lib.encoding.encoder import encode, load_encoder
from stages.lib.encoding.vectors import save_vectors
from stages.lib.errors import UserError
from stages.lib.llm.query_answers import read_query_answers, write_query_answers
from stages.lib.llm.storage.store import Store
from stages.lib.scoring.likelihood import LocalLikelihood
from stages.lib.search.engine import Run
from stages.lib.teaching.cross_encoder import Reranker
from stages.lib.teaching.language_model import Reader, answers_by_text
from stages.lib.teaching.teacher import Answered
from stages.mine import main
from tests.conftest import Change
from tests.scoring.tiny import make_tiny_causal
from tests.teaching.test_cross_encoder import make_cross_encoder

THINGS = "apple bus car cat dog pear plum train".split()  # noqa: SIM905
CORPUS: Corpus = {
    f"{colour}-{thing}": Document(f"{colour}-{thing}", "", f"the {colour} {thing}")
    for colour in ("blue", "green", "red")
    for thing in THINGS
}
SHORT: dict[str, Any] = {
    "encoder.max_length": 16,
    "embed.sentences": False,
    "mine.depth": len(CORPUS),
    "mine.cross_encoder_tokens": 32,
    "mine.cross_encoder_depth": 5,
}


def written_for(*doc_ids: str) -> Split:
    """A question for each document, in other words than its own."""
    queries = {f"q-{doc_id}": f"what of {CORPUS[doc_id].text}" for doc_id in doc_ids}
    return Split(queries, {f"q-{doc_id}": {doc_id: 1} for doc_id in doc_ids})


TRAIN = written_for(*(f"red-{thing}" for thing in THINGS))
DEV = written_for(*(f"green-{thing}" for thing in THINGS))


@pytest.fixture
def mining_project(tmp_path: Path, tiny_model: Path, with_params: Change) -> Path:
    """Everything that the stage reads; nobody judged anything."""
    settings = with_params(SHORT)
    texts = [document.contents for document in CORPUS.values()]
    vectors = encode(load_encoder(tiny_model, settings.encoder), texts)
    save_vectors(tmp_path / "vectors", vectors, list(CORPUS), "test")
    write_corpus(tmp_path / "corpus.jsonl", CORPUS)
    synthetic = tmp_path / "synthetic"
    write_split(synthetic / "train", TRAIN)
    write_split(synthetic / "dev", DEV)
    phrase = Generated("phrase", "blue-dog", "phrase", "dog blue")
    write_generated(synthetic / "unlabelled.jsonl", [phrase])
    write_split(tmp_path / "train", Split())
    expand(tmp_path, {}, {})
    (tmp_path / "known").mkdir()
    return tmp_path


def expand(mining_project: Path, found: Qrels, ignored: Qrels) -> None:
    """What a judge says beside the documents that queries were written for."""
    write_split(mining_project / "expanded", Split(TRAIN.queries, TRAIN.qrels | found))
    write_qrels(mining_project / "expanded" / "ignored.tsv", ignored)


def run(mining_project: Path, model: Path) -> Result:
    paths = {
        "corpus": "corpus.jsonl",
        "synthetic": "synthetic",
        "train": "train",
        "expanded": "expanded",
        "vectors": "vectors",
        "cross-encoder": "cross-encoder",
        "language-model": "language-model",
        "answers": "answers.jsonl",
        "document-vectors": "document-vectors",
        "known": "known",
        "rankings": "rankings",
        "queries": "mined-vectors",
        "out": "mined",
        "metrics": "mine.json",
        "params": "params.yaml",
    }
    options = [
        part for name, path in paths.items() for part in (f"--{name}", mining_project / path)
    ]
    return CliRunner().invoke(
        main, [*map(str, options), "--model", str(model)], catch_exceptions=False
    )


def mined(mining_project: Path, model: Path) -> Mined:
    result = run(mining_project, model)
    assert result.exit_code == 0, result.output
    (line,) = result.stdout.splitlines()
    assert line.startswith("mine: ")
    return read_mined(mining_project / "mined")


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


def anew(mining_project: Path, model: Path) -> int:
    """How many queries the teacher itself ranked, as the stage says."""
    result = run(mining_project, model)
    assert result.exit_code == 0, result.output
    (number,) = re.findall(r"(\d+) queries ranked anew", result.stdout)
    return int(number)


def test_a_query_is_ranked_once(
    mining_project: Path, tiny_model: Path, with_params: Change
) -> None:
    everything = len(TRAIN.queries) + len(DEV.queries) + 1
    assert anew(mining_project, tiny_model) == everything
    files = ("mined/train.jsonl", "mined/unlabelled.jsonl", "mined/dev.jsonl", "rankings/rows.npy")
    before = [(mining_project / name).read_bytes() for name in files]
    assert anew(mining_project, tiny_model) == 0
    assert [(mining_project / name).read_bytes() for name in files] == before
    # what is read off a ranking changes no ranking
    with_params(SHORT | {"mine.negatives": 1})
    assert anew(mining_project, tiny_model) == 0
    unlabelled = [Generated(name, "blue-dog", "phrase", name) for name in ("dog blue", "the dog")]
    write_generated(mining_project / "synthetic" / "unlabelled.jsonl", unlabelled)
    assert anew(mining_project, tiny_model) == 1


def test_a_query_is_encoded_once(mining_project: Path, tiny_model: Path) -> None:
    everything = len(TRAIN.queries) + len(DEV.queries) + 1
    assert f", {everything} encoded anew" in run(mining_project, tiny_model).stdout
    # ranked by what is remembered, few queries need their vectors, and all keep them
    assert "0 queries ranked anew, 0 encoded anew" in run(mining_project, tiny_model).stdout
    edited = Document("red-apple", "", "the red apple is a bird")
    write_corpus(mining_project / "corpus.jsonl", {**CORPUS, "red-apple": edited})
    said = run(mining_project, tiny_model).stdout
    assert f"{everything} queries ranked anew, 0 encoded anew" in said
    files = [mining_project / f"mined/{name}.jsonl" for name in ("train", "unlabelled", "dev")]
    warm = [path.read_bytes() for path in files]
    for name in ("rankings", "mined-vectors"):
        shutil.rmtree(mining_project / name)
    assert f", {everything} encoded anew" in run(mining_project, tiny_model).stdout
    assert [path.read_bytes() for path in files] == warm


def test_another_corpus_or_teacher_ranks_all_anew(
    mining_project: Path, tiny_model: Path, with_params: Change
) -> None:
    everything = anew(mining_project, tiny_model)
    with_params(SHORT | {"bm25.k1": 0.5})
    assert anew(mining_project, tiny_model) == everything
    edited = Document("red-apple", "", "the red apple is a bird")
    write_corpus(mining_project / "corpus.jsonl", {**CORPUS, "red-apple": edited})
    assert anew(mining_project, tiny_model) == everything
    vectors = np.load(mining_project / "vectors" / "vectors.npy")
    save_vectors(mining_project / "vectors", vectors[::-1], list(CORPUS), "test")
    assert anew(mining_project, tiny_model) == everything
    assert anew(mining_project, tiny_model) == 0


def test_a_margin_that_no_document_keeps(
    mining_project: Path, tiny_model: Path, with_params: Change
) -> None:
    with_params(SHORT | {"mine.range_min": len(CORPUS), "mine.range_max": len(CORPUS) + 1})
    result = run(mining_project, tiny_model)
    assert result.exit_code == 1
    assert "no query has a negative; loosen mine.margin" in result.output
    assert not (mining_project / "mined").exists()
