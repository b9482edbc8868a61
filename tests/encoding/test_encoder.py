from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stages.lib.encoding.encoder import batches, encode, load_encoder
from stages.lib.errors import UserError
from stages.lib.params import Params
from tests.conftest import Change


@given(st.lists(st.integers(1, 64), max_size=80), st.integers(64, 256))
def test_batches_hold_every_text_within_the_budget(lengths: list[int], budget: int) -> None:
    found = batches(lengths, budget)
    assert sorted(index for batch in found for index in batch) == list(range(len(lengths)))
    for batch in found:
        assert max(lengths[index] for index in batch) * len(batch) <= budget


def test_vectors_equal_those_of_sentence_transformers(
    tiny_model: Path, with_params: Change
) -> None:
    model = load_encoder(tiny_model, with_params({"encoder.max_length": 16}).encoder)
    texts = ["red apple", "", "the cat " * 40, "a blue car is a car"]
    expected = model.encode(["what " + text for text in texts], normalize_embeddings=True)
    found = encode(model, texts, "what ")
    assert found.shape == (4, 32)
    assert (found * expected).sum(axis=1).min() > 0.999
    assert np.linalg.norm(found, axis=1) == pytest.approx(1, abs=1e-5)


def test_no_texts_no_vectors(tiny_model: Path, with_params: Change) -> None:
    model = load_encoder(tiny_model, with_params({"encoder.max_length": 16}).encoder)
    assert encode(model, []).shape == (0, 32)


def test_more_tokens_than_the_model_takes(tiny_model: Path, with_params: Change) -> None:
    too_long = with_params({"encoder.max_length": 65}).encoder
    with pytest.raises(UserError, match=r"encoder.max_length: 65 is more than the 64 tokens"):
        load_encoder(tiny_model, too_long)


def test_a_folder_without_a_model_is_named(tmp_path: Path, params: Params) -> None:
    with pytest.raises(UserError, match="not a model that sentence-transformers can load"):
        load_encoder(tmp_path / "nothing", params.encoder)
