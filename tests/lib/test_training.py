from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from stages.lib.collection import Corpus, Document
from stages.lib.dev import Dev
from stages.lib.encoder import encode, load_encoder
from stages.lib.negatives import Example
from stages.lib.params import Params
from stages.lib.students import Full, QueryTower, student
from stages.lib.training import Candidate, choose, interpolate, train

Change = Callable[[dict[str, Any]], Params]

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


def trained(
    tiny_model: Path, corpus: Corpus, settings: Params, value: Callable[[Any], float] | None = None
) -> tuple[list[Candidate], Full | QueryTower]:
    model = load_encoder(tiny_model, settings.encoder)
    vectors = encode(model, [each.contents for each in corpus.values()])
    tuned = student(model, corpus, vectors, settings)
    examples = rows(corpus)
    queries = {each.query_id: each.query for each in examples}
    qrels = {each.query_id: {each.positives[0]: 1} for each in examples}
    dev = Dev(type("S", (), {"queries": queries, "qrels": qrels})(), None, 1.0)
    evaluate = value or dev.value
    candidates = train(
        model,
        tuned,
        examples,
        lambda: evaluate(tuned.search(queries, 10)),
        "",
        settings.train,
        seed=1,
    )
    return candidates, tuned


@pytest.fixture
def settings(with_params: Change) -> Params:
    return with_params(
        {
            "encoder.max_length": 16,
            "train.epochs": 12,
            "train.batch_size": 8,
            "train.learning_rate": 3e-3,
            "train.infonce_weight": 0.1,
        }
    )


@pytest.mark.parametrize("tower", ["query", "full"])
def test_the_student_learns_what_the_teacher_wants(
    tiny_model: Path, corpus: Corpus, settings: Params, tower: str
) -> None:
    section = settings.train.model_copy(update={"tower": tower})
    candidates, _ = trained(tiny_model, corpus, settings.model_copy(update={"train": section}))
    names = [each.name for each in candidates]
    assert names[0] == "step 0"
    assert len(names) == 1 + 2 + 3
    assert choose(candidates).step > 0
    assert choose(candidates).dev > candidates[0].dev + 0.2


def test_the_query_tower_leaves_documents_alone(
    tiny_model: Path, corpus: Corpus, settings: Params, tmp_path: Path
) -> None:
    before = load_encoder(tiny_model, settings.encoder)
    candidates, tuned = trained(tiny_model, corpus, settings)
    tuned.model.load_state_dict(candidates[-1].weights)
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
    candidates, _ = trained(tiny_model, corpus, settings, lambda _: next(values))
    assert choose(candidates).name == "step 0"


def test_the_same_seed_gives_the_same_weights(
    tiny_model: Path, corpus: Corpus, with_params: Change
) -> None:
    settings = with_params({"encoder.max_length": 16, "train.batch_size": 8})
    first, _ = trained(tiny_model, corpus, settings)
    second, _ = trained(tiny_model, corpus, settings)
    for name, weight in first[1].weights.items():
        assert torch.equal(weight, second[1].weights[name]), name


def test_interpolation_by_hand() -> None:
    base = {"w": torch.tensor([0.0, 4.0]), "n": torch.tensor([3])}
    tuned = {"w": torch.tensor([1.0, 0.0]), "n": torch.tensor([5])}
    mixed = interpolate(base, tuned, 0.25)
    assert mixed["w"].tolist() == [0.25, 3.0]
    assert mixed["n"].tolist() == [3]
