from functools import partial
from pathlib import Path

import numpy as np
import pytest
from sentence_transformers import SentenceTransformer

from stages.lib.encoding.encoder import Encode, dimension, encode_batches, load_encoder
from stages.lib.encoding.store import VectorStore
from stages.lib.params import Params

ASKED = ["red apple", "blue car", "green dog"]


@pytest.fixture
def model(tiny_model: Path, params: Params) -> SentenceTransformer:
    return load_encoder(tiny_model, params.encoder.model_copy(update={"max_length": 16}))


def store(folder: Path, model: SentenceTransformer, encoder: str = "one") -> VectorStore:
    return VectorStore(folder / "queries", encoder, dimension(model))


def encoder(model: SentenceTransformer) -> Encode:
    return partial(encode_batches, model)


def encoded(opened: VectorStore, model: SentenceTransformer, texts: list[str]) -> int:
    return opened.encode(encoder(model), texts)[2]


def test_new_texts_alone_are_encoded(tmp_path: Path, model: SentenceTransformer) -> None:
    first = store(tmp_path, model)
    _, before, new = first.encode(encoder(model), ASKED)
    assert new == 3
    first.save(ASKED)
    assert not list(tmp_path.glob(".queries.*"))
    _, after, new = store(tmp_path, model).encode(encoder(model), ["a plum", *reversed(ASKED)])
    assert new == 1
    assert np.array_equal(after[1:], before[::-1])


def test_what_is_no_longer_asked_leaves(tmp_path: Path, model: SentenceTransformer) -> None:
    first = store(tmp_path, model)
    first.encode(encoder(model), ASKED)
    first.save(ASKED)
    second = store(tmp_path, model)
    assert encoded(second, model, ["a plum"]) == 1
    # asked, though nobody needed its vector this time
    second.save(["a plum", "red apple", "never encoded"])
    assert len(np.load(tmp_path / "queries" / "queries.npy")) == 2
    assert encoded(store(tmp_path, model), model, ["a plum", "red apple"]) == 0
    assert encoded(store(tmp_path, model), model, ["blue car"]) == 1


def test_what_a_killed_run_encoded_is_kept(tmp_path: Path, model: SentenceTransformer) -> None:
    assert encoded(store(tmp_path, model), model, ASKED[:2]) == 2
    (journal,) = tmp_path.glob(".queries.*.rows")
    with journal.open("ab") as file:
        file.write(b"torn")
    last = store(tmp_path, model)
    assert encoded(last, model, ASKED) == 1
    last.save(ASKED)
    assert encoded(store(tmp_path, model), model, ASKED) == 0


def test_another_encoder_knows_nothing(tmp_path: Path, model: SentenceTransformer) -> None:
    first = store(tmp_path, model)
    first.encode(encoder(model), ASKED)
    first.save(ASKED)
    assert encoded(store(tmp_path, model, "other"), model, ASKED) == 3


def test_the_same_texts_give_the_same_bytes(tmp_path: Path, model: SentenceTransformer) -> None:
    outputs = []
    for texts in (ASKED, [*reversed(ASKED), ASKED[0]]):
        opened = store(tmp_path, model)
        opened.encode(encoder(model), texts)
        opened.save(texts)
        outputs.append([path.read_bytes() for path in sorted((tmp_path / "queries").iterdir())])
    assert outputs[0] == outputs[1]
