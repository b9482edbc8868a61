from pathlib import Path

import numpy as np
import pytest
from sentence_transformers import SentenceTransformer
from sentence_transformers.sentence_transformer.modules import Dense, Pooling

from stages.lib.encoding.encoder import Vectors, encode, load_encoder
from stages.lib.encoding.projection import (
    cross_fitted,
    ends_in_pooling,
    fit,
    fit_shift,
    projected,
)
from stages.lib.params import Params


def unit(vectors: Vectors) -> Vectors:
    scaled: Vectors = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    return scaled


def drawn(texts: int, size: int, seed: int = 0) -> Vectors:
    random = np.random.default_rng(seed)
    return unit(random.standard_normal((texts, size)).astype(np.float32))


def test_the_fit_finds_the_matrix_that_made_the_targets() -> None:
    vectors, matrix = drawn(5000, 4), drawn(4, 6, seed=1)
    np.testing.assert_allclose(fit(vectors, vectors @ matrix), matrix, atol=2e-3)


def test_a_shift_that_nothing_tells_of_is_none() -> None:
    vectors = drawn(50, 4)
    np.testing.assert_allclose(fit_shift(vectors, vectors), np.eye(4), atol=1e-6)
    # one vector tells of its own direction alone
    matrix = fit_shift(np.eye(4, dtype=np.float32)[:1], np.eye(4, dtype=np.float32)[1:2])
    np.testing.assert_allclose(matrix[1:], np.eye(4)[1:], atol=1e-6)
    assert matrix[0, 1] > 0.5


def test_texts_are_shifted_by_what_others_tell() -> None:
    vectors, matrix = drawn(400, 4), np.eye(4, dtype=np.float32) + 0.3 * drawn(4, 4, seed=1)
    targets = unit(vectors @ matrix)
    shifted = cross_fitted(vectors, targets, seed=1)
    before, after = (float((part * targets).sum(1).mean()) for part in (vectors, shifted))
    assert after > before + 0.01
    # a text whose own target is odd learns nothing of it
    odd = targets.copy()
    odd[0] = -odd[0]
    np.testing.assert_allclose(cross_fitted(vectors, odd, seed=1)[0], shifted[0], atol=1e-6)


@pytest.mark.parametrize("mode", ["mean", "cls"])
def test_a_model_gives_its_vectors_times_the_matrix(
    tiny_model: Path, params: Params, mode: str
) -> None:
    encoder = params.encoder.model_copy(update={"max_length": 32})
    model = load_encoder(tiny_model, encoder)
    model = SentenceTransformer(modules=[model[0], Pooling(32, mode)], device="cpu")
    assert ends_in_pooling(model)
    texts = ["red apple", "what is the colour of a blue bus", ""]
    matrix = drawn(32, 8)
    np.testing.assert_allclose(
        encode(projected(model, matrix), texts),
        unit(encode(model, texts) @ matrix),
        atol=2e-2,
    )


def test_what_ends_otherwise_is_told(tiny_model: Path, params: Params) -> None:
    model = load_encoder(tiny_model, params.encoder.model_copy(update={"max_length": 32}))
    assert ends_in_pooling(model)
    for ending in ([Pooling(32, "max")], [Pooling(32, "mean"), Dense(32, 8)]):
        assert not ends_in_pooling(SentenceTransformer(modules=[model[0], *ending], device="cpu"))
