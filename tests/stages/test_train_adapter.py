"""The stage train with an adapter in a language model."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner
from safetensors.torch import load_file
from sentence_transformers import SentenceTransformer

from stages.lib.core.files import read_json
from stages.lib.encoding.encoder import load_encoder, towers
from stages.lib.encoding.portable import standardise
from stages.lib.export.parity import unit_vectors
from stages.train import main
from tests.conftest import Change
from tests.encoding.test_causal import KINDS, TEXTS
from tests.tiny import make_tiny_language_model
from tests.training.staged import options, run

SHORT: dict[str, Any] = {
    "encoder.max_length": 16,
    "train.epochs": 2,
    "train.batch_size": 8,
    "train.learning_rate": 1e-2,
    "train.interpolations": [],
    "train.lora.rank": 4,
    "train.lora.dropout": 0.0,
}


@pytest.fixture
def base(training_project: Path) -> Path:
    folder = make_tiny_language_model(training_project / "base", KINDS["Llama"])
    standardise(folder, 16)
    return folder


@pytest.mark.parametrize("tower", ["vectors", "query", "full"])
def test_what_ships_is_the_base_with_the_adapter_merged(
    training_project: Path, base: Path, with_params: Change, tower: str
) -> None:
    settings = with_params(SHORT | {"train.tower": tower})
    run(training_project, base)
    tuned = training_project / "tuned-1"
    assert read_json(training_project / "curve-1.json")[-1]["name"] in ("trained", "enriched")
    adapter = tuned / "adapter"
    assert read_json(adapter / "adapter_config.json")["r"] == 4
    query, document = towers(tuned)
    before, after = (
        unit_vectors(load_encoder(each, settings.encoder).to("cpu"), TEXTS)
        for each in (base, query)
    )
    shipped = read_json(training_project / "metrics-1.json")["chosen"]
    assert (np.abs(after - before).max() > 1e-3) == (shipped == "trained")
    assert (document == query) == (tower == "full")
    model = SentenceTransformer(str(tuned), device="cpu")
    found = model.encode_query(TEXTS, normalize_embeddings=True)
    assert (found * after).sum(axis=1).min() > 0.99999


def test_layers_that_the_base_does_not_have(
    training_project: Path, base: Path, with_params: Change
) -> None:
    with_params(SHORT | {"train.lora.target_modules": ["query"]})
    result = CliRunner().invoke(main, options(training_project, base, 1))
    assert result.exit_code == 1
    assert "train.lora.target_modules: the base has no linear layer 'query'" in result.output
    assert not (training_project / "tuned-1").exists()


def test_activations_that_are_computed_twice_train_the_same(
    training_project: Path, base: Path, with_params: Change, monkeypatch: pytest.MonkeyPatch
) -> None:
    with_params(SHORT | {"train.tower": "full"})
    # what was trained ships, whatever is believed of so few queries
    monkeypatch.setattr("stages.train.choose", lambda standings: standings[-1])
    weights = []
    for largest in (2**29, 0):
        monkeypatch.setattr("stages.lib.training.trainer.CHECKPOINTED", largest)
        run(training_project, base)
        path = training_project / "tuned-1" / "adapter" / "adapter_model.safetensors"
        weights.append(load_file(path))
    moved = max(float(each.abs().max()) for name, each in weights[0].items() if "lora_B" in name)
    apart = max(float((each - weights[1][name]).abs().max()) for name, each in weights[0].items())
    assert moved > 0.01, "second factors begin at 0"
    assert apart < moved / 20
