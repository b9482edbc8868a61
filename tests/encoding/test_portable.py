import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from sentence_transformers import SentenceTransformer
from sentence_transformers.sentence_transformer.modules import Dense

from stages.lib.encoding.encoder import towers
from stages.lib.encoding.portable import declare, join_towers, standardise
from tests.conftest import Change
from tests.tiny import make_tiny_model

TEXTS = ["red apple", "the blue car is what a red dog is to a green bird"]


@pytest.fixture
def joined(tiny_model: Path, tmp_path: Path) -> Path:
    folder = tmp_path / "joined"
    shutil.copytree(make_tiny_model(tmp_path, seed=1), folder / "query")
    shutil.copytree(tiny_model, folder / "document")
    join_towers(folder)
    return folder


def vectors(folder: Path, texts: list[str]) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
    return np.asarray(SentenceTransformer(str(folder), device="cpu").encode(texts))


def test_two_encoders_are_one_model(joined: Path, with_params: Change) -> None:
    prefixes = {"encoder.query_prefix": "what is ", "encoder.document_prefix": "a "}
    encoder = with_params(prefixes | {"encoder.max_length": 8}).encoder
    declare(joined, encoder, encoder)
    model = SentenceTransformer(str(joined), device="cpu")
    assert (model.max_seq_length, model.similarity_fn_name) == (8, "cosine")
    assert towers(joined) == (joined / "query", joined / "document")
    for side, prefix in (("query", "what is "), ("document", "a ")):
        found = getattr(model, f"encode_{side}")(TEXTS)
        # a side is a model by itself, with its prompt as the default one
        assert np.array_equal(found, vectors(joined / side, TEXTS))
        alone = SentenceTransformer(str(joined / side), device="cpu")
        wanted = alone.encode([prefix + text for text in TEXTS], prompt="")
        assert np.array_equal(found, wanted)
        assert not np.array_equal(found, alone.encode(TEXTS, prompt=""))
    assert not np.allclose(model.encode_query(TEXTS), model.encode_document(TEXTS))


def test_names_that_every_version_knows(joined: Path) -> None:
    for path in (joined / "query", joined / "document"):
        standardise(path, 16)
    join_towers(joined)
    written = [*joined.rglob("modules.json"), joined / "router_config.json"]
    names = [name for path in written for name in path.read_text().split('"') if "." in name]
    classes = {name for name in names if name.startswith("sentence_transformers")}
    kinds = ("Transformer", "Pooling", "Normalize", "Router")
    assert classes == {f"sentence_transformers.models.{kind}" for kind in kinds}


def test_prompts_count_in_the_pooling(tiny_model: Path, tmp_path: Path) -> None:
    """The pipeline pools all words; a base that leaves prompts out would give other vectors."""
    folder = tmp_path / "model"
    shutil.copytree(tiny_model, folder)
    path = folder / "1_Pooling" / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"include_prompt": False}))
    asked = [f"what {text}" for text in TEXTS]
    apart = SentenceTransformer(str(folder), device="cpu").encode(TEXTS, prompt="what ")
    assert not np.allclose(apart, vectors(folder, asked), atol=1e-3)
    standardise(folder, 16)
    together = SentenceTransformer(str(folder), device="cpu").encode(TEXTS, prompt="what ")
    assert np.array_equal(together, vectors(folder, asked))


def test_pickled_weights_become_safetensors(tiny_model: Path, tmp_path: Path) -> None:
    built = SentenceTransformer(str(tiny_model), device="cpu")
    built.append(Dense(32, 16))
    built.save(str(tmp_path / "model"), create_model_card=False)
    (dense,) = (tmp_path / "model").glob("*_Dense")
    before = vectors(tmp_path / "model", TEXTS)
    torch.save(built[-1].state_dict(), dense / "pytorch_model.bin")
    (dense / "model.safetensors").unlink()
    standardise(tmp_path / "model", 32)
    assert not list((tmp_path / "model").rglob("*.bin"))
    assert np.array_equal(vectors(tmp_path / "model", TEXTS), before)


def test_a_plain_transformer_pools_by_the_mean(tiny_model: Path, tmp_path: Path) -> None:
    plain = tmp_path / "plain"
    shutil.copytree(tiny_model, plain, ignore=shutil.ignore_patterns("1_*", "2_*", "*entence*"))
    (plain / "modules.json").unlink()
    standardise(plain, 32)
    found = vectors(plain, TEXTS)
    wanted = vectors(tiny_model, TEXTS)
    assert found / np.linalg.norm(found, axis=1, keepdims=True) == pytest.approx(wanted, abs=1e-6)
