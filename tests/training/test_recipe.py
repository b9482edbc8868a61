from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from stages.lib.core.collection import Corpus, Document, Qrels, Queries
from stages.lib.core.examples import Example
from stages.lib.core.seeds import digest
from stages.lib.encoding.encoder import encode, load_encoder
from stages.lib.encoding.vectors import TRAINED, load_vectors, made_by
from stages.lib.params import Params
from stages.lib.search.engine import Dense, Embedded
from stages.lib.search.metrics import ndcg
from stages.lib.training.batches import OneSourceABatch
from stages.lib.training.contest import Contest
from stages.lib.training.recipe import interpolate, train
from stages.lib.training.students import DOCUMENTS, QueryAndVectors, Student, student
from stages.lib.training.trainer import run_trainer
from tests.conftest import Change

THINGS = "apple pear plum car bus train dog cat bird".split()  # noqa: SIM905
COLOURS = ("red", "green", "blue")


@pytest.fixture
def corpus() -> Corpus:
    texts = [f"the {colour} {thing}" for colour in COLOURS for thing in THINGS]
    return {f"d{n:02}": Document(f"d{n:02}", "", text) for n, text in enumerate(texts)}


def rows(corpus: Corpus) -> list[Example]:
    """Rows whose teacher wants the document of the query's thing, of the next colour."""
    doc_ids = list(corpus)
    examples = []
    for number, doc_id in enumerate(doc_ids):
        wanted = doc_ids[(number + len(THINGS)) % len(doc_ids)]
        ranking = {wanted: 3.0} | {each: -1.0 for each in doc_ids if each != wanted}
        text = "what is " + corpus[doc_id].text
        examples.append(Example(f"q{number}", text, ranking, (wanted,), (doc_id,)))
    return examples


def judged(corpus: Corpus) -> tuple[Queries, Qrels]:
    """The rows' queries, answered by what the teacher wants."""
    examples = rows(corpus)
    queries = {each.query_id: each.query for each in examples}
    return queries, {each.query_id: {each.positives[0]: 1} for each in examples}


def worth(dense: Dense, corpus: Corpus) -> float:
    queries, qrels = judged(corpus)
    return ndcg(Embedded(dense).search(queries, 10), qrels)


def trained(
    tiny_model: Path,
    corpus: Corpus,
    settings: Params,
    value: Callable[[Dense], float] | None = None,
) -> tuple[Contest, Student]:
    model = load_encoder(tiny_model, settings.encoder)
    vectors = encode(model, [each.contents for each in corpus.values()])
    tuned = student(model, corpus, vectors, settings)
    evaluate = value or (lambda dense: worth(dense, corpus))
    return train(tuned, rows(corpus), evaluate, "", settings.train, seed=1), tuned


@pytest.fixture
def settings(with_params: Change) -> Params:
    return with_params(
        {
            "encoder.max_length": 16,
            "train.epochs": 12,
            "train.batch_size": 8,
            "train.learning_rate": 3e-3,
            "train.infonce_weight": 0.1,
            "train.tower": "query",
            "train.runs": 1,
        }
    )


@pytest.mark.parametrize("tower", ["vectors", "query", "full"])
def test_the_student_learns_what_the_teacher_wants(
    tiny_model: Path, corpus: Corpus, settings: Params, tower: str
) -> None:
    section = settings.train.model_copy(update={"tower": tower})
    contest, _ = trained(tiny_model, corpus, settings.model_copy(update={"train": section}))
    start, half, end, *mixed = contest.states
    assert start.name == "step 0"
    assert half.step == end.step // 2
    assert [each.name.split(" of ")[0] for each in mixed] == ["0.25", "0.5", "0.75"]
    winner, _ = contest.winner
    assert winner.step > 0
    assert winner.dev > contest.states[0].dev + 0.2


def test_the_end_of_a_run_competes_whatever_its_epochs_hold(
    tiny_model: Path, corpus: Corpus, settings: Params
) -> None:
    # three queries a document, of which no two share a batch: how many batches that takes
    # depends on their order
    examples = [
        replace(each, positives=(f"d{number % 9:02}",)) for number, each in enumerate(rows(corpus))
    ]
    model = load_encoder(tiny_model, settings.encoder)
    tuned = student(model, corpus, encode(model, [d.contents for d in corpus.values()]), settings)
    params = settings.train.model_copy(update={"epochs": 2, "interpolations": []})

    def batches(seed: int) -> list[int]:
        documents, lengths = [e.positives[0] for e in examples], [len(e.query) for e in examples]
        order = OneSourceABatch(documents, lengths, params.batch_size, digest(seed, "run", "1"))
        counts = []
        for epoch in range(2):
            order.set_epoch(epoch)
            counts.append(len(order))
        return counts

    seed = next(seed for seed in range(100) if batches(seed)[1] < batches(seed)[0])
    contest = train(tuned, examples, lambda dense: worth(dense, corpus), "", params, seed)
    assert [each.step for each in contest.states] == [0, batches(seed)[0], sum(batches(seed))]


def test_the_query_tower_leaves_documents_alone(
    tiny_model: Path, corpus: Corpus, settings: Params, tmp_path: Path
) -> None:
    before = load_encoder(tiny_model, settings.encoder)
    contest, tuned = trained(tiny_model, corpus, settings)
    tuned.load(contest.winner[1])
    tuned.save(tiny_model, tmp_path / "tuned")
    document = load_encoder(tmp_path / "tuned" / "document", settings.encoder)
    query = load_encoder(tmp_path / "tuned" / "query", settings.encoder)
    texts = ["red apple"]
    assert np.array_equal(encode(document, texts), encode(before, texts))
    assert not np.allclose(encode(query, texts), encode(before, texts), atol=1e-3)


def test_a_run_that_finds_nothing_better_keeps_the_base(
    tiny_model: Path, corpus: Corpus, settings: Params
) -> None:
    values = iter([0.5, *[0.4] * 4, 0.5])
    contest, _ = trained(tiny_model, corpus, settings, lambda _: next(values))
    winner, weights = contest.winner
    assert winner.name == "step 0"
    assert weights is contest.base


def test_the_same_seed_gives_the_same_weights(
    tiny_model: Path, corpus: Corpus, with_params: Change
) -> None:
    settings = with_params({"encoder.max_length": 16, "train.batch_size": 8, "train.runs": 2})
    first, _ = trained(tiny_model, corpus, settings)
    second, _ = trained(tiny_model, corpus, settings)
    assert first.tuned and second.tuned
    for name, weight in first.tuned[1].items():
        assert torch.equal(weight, second.tuned[1][name]), name


@pytest.fixture
def free(settings: Params) -> Params:
    changes = {"tower": "vectors", "document_learning_rate": 3e-2, "anchor": 0.1}
    return settings.model_copy(update={"train": settings.train.model_copy(update=changes)})


def test_trained_vectors_ship_with_the_model(
    tiny_model: Path, corpus: Corpus, free: Params, tmp_path: Path
) -> None:
    contest, tuned = trained(tiny_model, corpus, free)
    chosen, weights = contest.winner
    assert chosen.step > 0
    tuned.load(weights)
    tuned.save(tiny_model, tmp_path / "tuned")
    vectors = load_vectors(tmp_path / "tuned" / "vectors", corpus)
    # what was measured is what was saved
    assert np.array_equal(vectors, tuned.dense().vectors)
    assert made_by(tmp_path / "tuned" / "vectors") == TRAINED
    base = encode(load_encoder(tiny_model, free.encoder), [e.contents for e in corpus.values()])
    assert not np.allclose(vectors, base, atol=1e-2)


def test_step_0_is_the_base_to_the_byte(
    tiny_model: Path, corpus: Corpus, free: Params, tmp_path: Path
) -> None:
    contest, tuned = trained(tiny_model, corpus, free)
    tuned.load(contest.base)
    tuned.save(tiny_model, tmp_path / "tuned")
    texts = [each.contents for each in corpus.values()]
    base = load_encoder(tiny_model, free.encoder)
    query = load_encoder(tmp_path / "tuned" / "query", free.encoder)
    assert np.array_equal(encode(query, texts), encode(base, texts))
    vectors = load_vectors(tmp_path / "tuned" / "vectors", corpus)
    assert np.allclose(vectors, encode(base, texts), atol=1e-6)


def test_vectors_are_held_to_a_mixture_with_their_neighbours(
    tiny_model: Path, with_params: Change
) -> None:
    changes = {"train.tower": "vectors", "mine.neighbours": 1, "mine.smoothing": 0.25}
    settings = with_params(changes | {"encoder.max_length": 16})
    corpus = {name: Document(name, "", name) for name in "abc"}
    vectors = np.zeros((3, 32), np.float32)
    # a and b are nearest to each other, by a cosine of 0.8; b is c's nearest, by 0.6
    vectors[:, :2] = np.array([[1, 0], [0.8, 0.6], [0, 1]])
    model = load_encoder(tiny_model, settings.encoder)
    tuned = student(model, corpus, vectors, settings)
    assert isinstance(tuned, QueryAndVectors)
    mixed = np.array([[0.95, 0.15], [0.85, 0.45], [0.2, 0.9]])
    wanted = mixed / np.linalg.norm(mixed, axis=1, keepdims=True)
    assert tuned.anchors[:, :2] == pytest.approx(wanted, abs=1e-6)


def test_document_vectors_are_held_to_their_neighbours(
    tiny_model: Path, corpus: Corpus, free: Params
) -> None:
    def distance(strength: float) -> float:
        changes = {"anchor": strength, "interpolations": []}
        section = free.train.model_copy(update=changes)
        _, tuned = trained(tiny_model, corpus, free.model_copy(update={"train": section}))
        assert isinstance(tuned, QueryAndVectors)
        ended = tuned.weights()[DOCUMENTS].numpy()
        return float((1 - (ended * tuned.anchors).sum(1)).mean())

    assert distance(100) < distance(0.0) / 2


def test_prefixes_of_vectors_rank_too_if_they_are_asked_to(
    tiny_model: Path, corpus: Corpus, free: Params
) -> None:
    def by_prefix(prefixes: list[int]) -> float:
        changes = {"matryoshka": prefixes, "interpolations": []}
        section = free.train.model_copy(update=changes)
        _, tuned = trained(tiny_model, corpus, free.model_copy(update={"train": section}))
        dense = tuned.dense()
        queries, qrels = judged(corpus)
        texts = list(queries.values())
        short = dense.vectors[:, :4] / np.linalg.norm(dense.vectors[:, :4], axis=1, keepdims=True)
        scores = dense.encode(texts)[:, :4] @ short.T
        run = {
            query: dict(
                sorted(zip(dense.doc_ids, map(float, row), strict=True), key=lambda e: -e[1])
            )
            for query, row in zip(queries, scores, strict=True)
        }
        return ndcg(run, qrels)

    assert by_prefix([4]) > by_prefix([]) + 0.02


def test_the_mean_of_runs_competes(
    tiny_model: Path, corpus: Corpus, free: Params, monkeypatch: pytest.MonkeyPatch
) -> None:
    changes = {"runs": 2, "evaluations": 1, "interpolations": [], "epochs": 2}
    settings = free.model_copy(update={"train": free.train.model_copy(update=changes)})
    seen: list[dict[str, torch.Tensor]] = []

    def watch(_: Dense) -> float:
        seen.append(tuned.weights())
        return float(len(seen))

    model = load_encoder(tiny_model, settings.encoder)
    vectors = encode(model, [each.contents for each in corpus.values()])
    tuned = student(model, corpus, vectors, settings)
    starts: list[dict[str, torch.Tensor]] = []

    def start(*args: Any, **kwargs: Any) -> None:
        starts.append(tuned.weights())
        run_trainer(*args, **kwargs)

    monkeypatch.setattr("stages.lib.training.recipe.run_trainer", start)
    contest = train(tuned, rows(corpus), watch, "", settings.train, seed=1)
    assert len(starts) == 2
    for each in starts:
        for name, weight in contest.base.items():
            assert torch.allclose(each[name], weight, atol=1e-6), name
    names = [each.name.split(",")[0] for each in contest.states]
    assert names == ["step 0", "run 1", "run 2", "mean of 2 runs"]
    _, first, second, mean = seen
    for name in mean:
        half = (first[name] + second[name]) / 2
        # vectors are unit vectors wherever they are used
        wanted = torch.nn.functional.normalize(half, dim=1) if name == DOCUMENTS else half
        assert torch.allclose(mean[name], wanted, atol=1e-6), name
    # another order of batches, from the same start
    assert not torch.allclose(first[DOCUMENTS], second[DOCUMENTS], atol=1e-4)


def test_interpolation_by_hand() -> None:
    base = {"w": torch.tensor([0.0, 4.0]), "n": torch.tensor([3])}
    tuned = {"w": torch.tensor([1.0, 0.0]), "n": torch.tensor([5])}
    mixed = interpolate(base, tuned, 0.25)
    assert mixed["w"].tolist() == [0.25, 3.0]
    assert mixed["n"].tolist() == [3]
