from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from stages.lib.core.collection import Corpus, Document, Qrels, Queries
from stages.lib.core.examples import Example
from stages.lib.encoding.encoder import encode, load_encoder
from stages.lib.encoding.store import as_kept
from stages.lib.encoding.vectors import TRAINED, load_vectors, made_by
from stages.lib.params import Params
from stages.lib.search.engine import Dense, Embedded
from stages.lib.search.metrics import ndcg
from stages.lib.training.recipe import train
from stages.lib.training.students import DOCUMENTS, Student, Weights, student
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


def trained(tiny_model: Path, corpus: Corpus, settings: Params) -> tuple[Weights, Student]:
    """The weights at the end of training, and the student with these."""
    model = load_encoder(tiny_model, settings.encoder)
    vectors = encode(model, [each.contents for each in corpus.values()])
    examples = rows(corpus)
    tuned = student(model, corpus, vectors, examples, settings)
    weights = train(tuned, examples, "", settings.train, seed=1)
    assert weights is not None
    tuned.load(weights)
    return weights, tuned


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
    settings = settings.model_copy(update={"train": section})
    model = load_encoder(tiny_model, settings.encoder)
    base = Dense(list(corpus), encode(model, [d.contents for d in corpus.values()]), model, "")
    before = worth(base, corpus)
    _, tuned = trained(tiny_model, corpus, settings)
    assert worth(tuned.dense(), corpus) > before + 0.2


def test_the_query_tower_leaves_documents_alone(
    tiny_model: Path, corpus: Corpus, settings: Params, tmp_path: Path
) -> None:
    before = load_encoder(tiny_model, settings.encoder)
    _, tuned = trained(tiny_model, corpus, settings)
    tuned.save(tiny_model, tmp_path / "tuned")
    document = load_encoder(tmp_path / "tuned" / "document", settings.encoder)
    query = load_encoder(tmp_path / "tuned" / "query", settings.encoder)
    texts = ["red apple"]
    assert np.array_equal(encode(document, texts), encode(before, texts))
    assert not np.allclose(encode(query, texts), encode(before, texts), atol=1e-3)


def test_the_same_seed_gives_the_same_weights(
    tiny_model: Path, corpus: Corpus, with_params: Change
) -> None:
    settings = with_params({"encoder.max_length": 16, "train.batch_size": 8, "train.runs": 2})
    first, _ = trained(tiny_model, corpus, settings)
    second, _ = trained(tiny_model, corpus, settings)
    for name, weight in first.items():
        assert torch.equal(weight, second[name]), name


@pytest.fixture
def free(settings: Params) -> Params:
    changes = {"tower": "vectors", "document_learning_rate": 3e-2, "anchor": 0.1}
    return settings.model_copy(update={"train": settings.train.model_copy(update=changes)})


def test_trained_vectors_ship_with_the_model(
    tiny_model: Path, corpus: Corpus, free: Params, tmp_path: Path
) -> None:
    _, tuned = trained(tiny_model, corpus, free)
    tuned.save(tiny_model, tmp_path / "tuned")
    vectors = load_vectors(tmp_path / "tuned" / "vectors", corpus)
    # what was measured is what was saved
    assert np.array_equal(vectors, tuned.dense().vectors)
    assert made_by(tmp_path / "tuned" / "vectors") == TRAINED
    base = encode(load_encoder(tiny_model, free.encoder), [e.contents for e in corpus.values()])
    assert not np.allclose(vectors, base, atol=1e-2)


def test_the_base_stays_the_base_to_the_byte(
    tiny_model: Path, corpus: Corpus, free: Params, tmp_path: Path
) -> None:
    model = load_encoder(tiny_model, free.encoder)
    texts = [each.contents for each in corpus.values()]
    tuned = student(model, corpus, encode(model, texts), rows(corpus), free)
    weights = tuned.weights()
    train(tuned, rows(corpus), "", free.train, seed=1)
    tuned.load(weights)
    tuned.save(tiny_model, tmp_path / "tuned")
    base = load_encoder(tiny_model, free.encoder)
    query = load_encoder(tmp_path / "tuned" / "query", free.encoder)
    assert np.array_equal(encode(query, texts), encode(base, texts))
    vectors = load_vectors(tmp_path / "tuned" / "vectors", corpus)
    assert np.allclose(vectors, encode(base, texts), rtol=2**-10, atol=1e-7)


def test_trained_vectors_are_mixed_with_those_of_the_bases_neighbours(
    tiny_model: Path, corpus: Corpus, free: Params
) -> None:
    changes = {"query_share": 0.0, "neighbours": 1, "smoothing": 0.25}
    section = free.train.model_copy(update=changes)
    weights, tuned = trained(tiny_model, corpus, free.model_copy(update={"train": section}))
    model = load_encoder(tiny_model, free.encoder)
    base = encode(model, [each.contents for each in corpus.values()])
    cosines = base @ base.T
    np.fill_diagonal(cosines, -1)
    before = weights[DOCUMENTS].numpy()
    wanted = 0.75 * before + 0.25 * before[cosines.argmax(axis=1)]
    wanted /= np.linalg.norm(wanted, axis=1, keepdims=True)
    (mixed,) = tuned.enrich(weights, [{}])
    assert mixed[DOCUMENTS].numpy() == pytest.approx(wanted, abs=1e-5)
    assert all(mixed[name] is weight for name, weight in weights.items() if name != DOCUMENTS)
    # who takes a mixture in the place of another is measured by it
    tuned.load(mixed)
    assert np.array_equal(tuned.dense().vectors, as_kept(mixed[DOCUMENTS].numpy()))


def test_document_vectors_are_held_to_where_they_started(
    tiny_model: Path, corpus: Corpus, free: Params
) -> None:
    def distance(strength: float) -> float:
        changes = {"anchor": strength, "interpolations": []}
        section = free.train.model_copy(update=changes)
        _, tuned = trained(tiny_model, corpus, free.model_copy(update={"train": section}))
        model = load_encoder(tiny_model, free.encoder)
        start = encode(model, [each.contents for each in corpus.values()])
        return float((1 - (tuned.dense().vectors * start).sum(1)).mean())

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


def test_the_mean_of_runs_is_what_trained(
    tiny_model: Path, corpus: Corpus, free: Params, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = free.model_copy(update={"train": free.train.model_copy(update={"runs": 2})})
    model = load_encoder(tiny_model, settings.encoder)
    vectors = encode(model, [each.contents for each in corpus.values()])
    tuned = student(model, corpus, vectors, rows(corpus), settings)
    wanted = tuned.weights()
    starts: list[Weights] = []
    ends: list[Weights] = []

    def run(*args: Any, **kwargs: Any) -> None:
        starts.append(tuned.weights())
        run_trainer(*args, **kwargs)
        ends.append(tuned.weights())

    monkeypatch.setattr("stages.lib.training.recipe.run_trainer", run)
    mean = train(tuned, rows(corpus), "", settings.train, seed=1)
    assert mean is not None
    assert len(starts) == 2
    for start in starts:
        for name, weight in wanted.items():
            assert torch.allclose(start[name], weight, atol=1e-6), name
    first, second = ends
    for name in mean:
        assert torch.allclose(mean[name], (first[name] + second[name]) / 2, atol=1e-6), name
    # another order of batches, from the same start
    assert not torch.allclose(first[DOCUMENTS], second[DOCUMENTS], atol=1e-4)


def test_without_examples_nothing_is_trained(
    tiny_model: Path, corpus: Corpus, free: Params
) -> None:
    model = load_encoder(tiny_model, free.encoder)
    vectors = encode(model, [each.contents for each in corpus.values()])
    assert train(student(model, corpus, vectors, [], free), [], "", free.train, seed=1) is None
