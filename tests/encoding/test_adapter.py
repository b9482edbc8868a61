"""Adapters in models, saved by themselves and merged."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from peft import PeftModel
from sentence_transformers import SentenceTransformer

from stages.lib.encoding.adapter import (
    add_adapter,
    copy_weights,
    load_weights,
    quantisation,
    save_encoder,
)
from stages.lib.encoding.encoder import encode, load_encoder
from stages.lib.encoding.portable import standardise
from stages.lib.errors import UserError
from stages.lib.export.parity import unit_vectors
from stages.lib.params import Params
from tests.conftest import Change
from tests.encoding.test_causal import KINDS, TEXTS
from tests.tiny import make_tiny_language_model


@pytest.fixture(params=["Llama", "Qwen2"])
def base(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    folder = make_tiny_language_model(tmp_path / "base", KINDS[request.param])
    standardise(folder, 16)
    return folder


def adapted(base: Path, with_params: Change, **lora: Any) -> tuple[SentenceTransformer, Params]:
    changes = {f"train.lora.{key}": value for key, value in ({"rank": 4} | lora).items()}
    params = with_params({"encoder.max_length": 16} | changes)
    model = load_encoder(base, params.encoder)
    add_adapter(model, params.train.lora, seed=1)
    return model, params


def move(model: SentenceTransformer) -> None:
    """Trains the adapter, in a word."""
    weights = copy_weights(model)
    random = torch.Generator().manual_seed(3)
    moved = {
        name: weight + torch.randn(weight.shape, generator=random)
        for name, weight in weights.items()
    }
    load_weights(model, moved)


def test_an_adapter_begins_as_no_change_and_alone_trains(base: Path, with_params: Change) -> None:
    model, params = adapted(base, with_params)
    assert np.array_equal(encode(model, TEXTS), encode(load_encoder(base, params.encoder), TEXTS))
    trained = {name for name, weight in model.named_parameters() if weight.requires_grad}
    assert trained == copy_weights(model).keys()
    assert len(trained) == 2 * 2 * 7, "two factors for each linear layer of two blocks"
    again, _ = adapted(base, with_params)
    for name, weight in copy_weights(again).items():
        assert torch.equal(weight, copy_weights(model)[name]), "the seed decides"


def test_merged_and_apart_give_the_same_vectors(
    base: Path, with_params: Change, tmp_path: Path
) -> None:
    model, params = adapted(base, with_params, target_modules=["q_proj", "v_proj"])
    before = unit_vectors(model, TEXTS)
    move(model)
    wanted = unit_vectors(model, TEXTS)
    assert (wanted * before).sum(axis=1).max() < 0.99
    save_encoder(model, tmp_path / "merged", tmp_path / "adapter", params.encoder)
    names = {each.name for each in (tmp_path / "adapter").iterdir()}
    assert names == {"adapter_config.json", "adapter_model.safetensors"}
    merged = load_encoder(tmp_path / "merged", params.encoder)
    assert not any("lora" in name or "base_layer" in name for name in merged.state_dict())
    assert (unit_vectors(merged, TEXTS) * wanted).sum(axis=1).min() > 0.999999
    apart = load_encoder(base, params.encoder)
    transformer: Any = apart[0].auto_model
    PeftModel.from_pretrained(transformer, str(tmp_path / "adapter"))
    assert (unit_vectors(apart, TEXTS) * wanted).sum(axis=1).min() > 0.999999
    # what was trained goes on as it was
    assert np.array_equal(unit_vectors(model, TEXTS), wanted)


def test_layers_that_a_model_does_not_have(base: Path, with_params: Change) -> None:
    with pytest.raises(UserError) as error:
        adapted(base, with_params, target_modules=["q_proj", "query"])
    assert str(error.value) == (
        "params.yaml: train.lora.target_modules: the base has no linear layer 'query'; it has "
        "down_proj, gate_proj, k_proj, o_proj, q_proj, up_proj, v_proj"
    )


def test_four_bits_need_a_gpu_and_a_package(
    with_params: Change, monkeypatch: pytest.MonkeyPatch
) -> None:
    lora = with_params({"train.lora.rank": 4, "train.lora.quantised": True}).train.lora
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(UserError, match="quantised: needs an NVIDIA GPU and the package bitsand"):
        quantisation(lora)


def test_quantised_weights_want_an_adapter(with_params: Change) -> None:
    with pytest.raises(UserError, match="train: lora: quantised weights cannot be trained"):
        with_params({"train.lora.quantised": True})
