import itertools
from pathlib import Path

import numpy as np
import pytest
from sentence_transformers import SentenceTransformer
from sentence_transformers.sentence_transformer.modules import Dense, Normalize

from stages.lib.core.collection import Document
from stages.lib.distillation.space import agreement, distilled, widened
from stages.lib.distillation.texts import held_out, texts_to_learn
from stages.lib.encoding.encoder import encode, load_encoder
from stages.lib.errors import UserError
from stages.lib.export.parity import unit_vectors
from stages.lib.export.variants import export_variants
from stages.lib.params import Params, read_params
from tests.imports import ROOT
from tests.tiny import make_tiny_model

COLOURS, FRUIT, REST = ("red", "green", "blue"), ("apple", "pear", "plum"), ("car", "bus", "dog")
TEXTS = [" ".join(words) for words in itertools.product(COLOURS, FRUIT, REST)]


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A small query encoder, and a wider embedder of documents."""
    folder = tmp_path_factory.mktemp("models")
    small = make_tiny_model(folder / "small", seed=0)
    return small, make_tiny_model(folder / "wide", seed=1, width=48)


def settings(**changes: float) -> Params:
    params = read_params(ROOT / "params.yaml")
    short = params.encoder.model_copy(update={"max_length": 32})
    distill = params.distill.model_copy(update={"batch_size": 9, **changes})
    return params.model_copy(update={"encoder": short, "distill": distill})


def load(folder: Path) -> SentenceTransformer:
    return load_encoder(folder, settings().encoder)


def test_the_layer_fits_the_vectors_of_texts(models: tuple[Path, Path]) -> None:
    base, wide = load(models[0]), load(models[1])
    vectors, targets = encode(base, TEXTS), encode(wide, TEXTS)
    student = widened(base, vectors, targets)
    layer = student[1]
    assert isinstance(layer, Dense)
    # it stands before the pooling, and does what it would after it
    after = vectors @ layer.linear.weight.detach().cpu().numpy().T
    after /= np.linalg.norm(after, axis=1, keepdims=True)
    np.testing.assert_allclose(encode(student, TEXTS), after, atol=2e-2)
    assert float((after * targets).sum(1).mean()) > 0.9


def test_the_student_comes_nearer_and_is_saved_as_it_is(
    models: tuple[Path, Path], tmp_path: Path
) -> None:
    params = settings(epochs=20, learning_rate=3e-3)
    wide = load(models[1])
    learnt, unseen = held_out(len(TEXTS))
    assert (len(learnt), len(unseen)) == (25, 2)
    seen = [TEXTS[row] for row in learnt]
    documents, targets = encode(wide, [*COLOURS, *FRUIT, *REST]), encode(wide, seen)
    before = widened(load(models[0]), encode(load(models[0]), seen), targets)
    student = distilled(load(models[0]), seen, targets, documents, params)
    first, last = (agreement(m, seen, targets, documents, params) for m in (before, student))
    assert last["cosine"] > first["cosine"]
    student.save(str(tmp_path / "student"))
    np.testing.assert_allclose(
        encode(load(tmp_path / "student"), TEXTS), encode(student, TEXTS), atol=1e-3
    )
    again = distilled(load(models[0]), seen, targets, documents, params)
    np.testing.assert_array_equal(encode(again, TEXTS), encode(student, TEXTS))


def test_its_graph_gives_its_vectors(models: tuple[Path, Path], tmp_path: Path) -> None:
    base, wide = load(models[0]), load(models[1])
    student = widened(base, encode(base, TEXTS), encode(wide, TEXTS)).to("cpu")
    params = settings()
    rows = export_variants(student, TEXTS[:4], tmp_path, params.encoder, params.export)
    assert rows["fp32"]["min_cosine"] > 0.9999
    assert unit_vectors(student, TEXTS[:1]).shape == (1, 48)


def test_a_base_that_ends_in_more_than_its_pooling_is_refused(models: tuple[Path, Path]) -> None:
    base = load(models[0])
    ending = SentenceTransformer(modules=[base[0], base[1], Dense(32, 8), Normalize()])
    with pytest.raises(UserError, match="this one ends in Pooling, Dense, Normalize"):
        widened(ending, encode(base, TEXTS), encode(base, TEXTS))


def test_agreement_counts_shared_documents(models: tuple[Path, Path]) -> None:
    base = load(models[0])
    documents = encode(base, TEXTS)
    assert agreement(base, TEXTS, documents, documents, settings()) == {
        "cosine": pytest.approx(1, abs=1e-3),
        "overlap_10": pytest.approx(1, abs=0.01),
    }
    turned = agreement(base, TEXTS[:1], -documents[:1], documents, settings())
    assert turned["cosine"] == pytest.approx(-1, abs=1e-3)
    assert turned["overlap_10"] == 0


def test_texts_are_the_queries_and_some_sentences() -> None:
    corpus = {
        "d1": Document("d1", "", "Backups are kept for two weeks. Short one. Keys never leave it."),
        "d2": Document("d2", "", "Backups are kept for two weeks."),
    }
    texts = texts_to_learn(["how long", "how long"], corpus, 10, seed=1)
    assert sorted(texts) == [
        "Backups are kept for two weeks.",
        "Keys never leave it.",
        "how long",
    ]
    assert len(texts_to_learn(["how long"], corpus, 1, seed=1)) == 2
    assert texts == texts_to_learn(["how long"], dict(reversed(corpus.items())), 10, seed=1)
