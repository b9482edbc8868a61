"""Three documents with vectors and exported variants, for the stages that come last."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from stages import embed
from stages.lib.core.collection import Document, Split, write_corpus, write_split
from stages.lib.core.files import write_json
from stages.lib.encoding.encoder import load_encoder
from stages.lib.export.variants import export_variants
from stages.lib.params import read_params
from tests.conftest import Change
from tests.imports import ROOT
from tests.teaching.mining import mining_project  # noqa: F401 - a fixture
from tests.training.staged import training_project  # noqa: F401 - a fixture

Run = Callable[..., str]
"""Runs a stage in a folder, its paths given by option; what it printed."""

CORPUS = {
    "a": Document("a", "red", "apple"),
    "b": Document("b", "", "blue car"),
    "c": Document("c", "", "green dog bird"),
}


@pytest.fixture(scope="session")
def exported(tiny_model: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tiny model's ONNX variants, with the metrics of their export beside them."""
    folder = tmp_path_factory.mktemp("exported")
    settings = read_params(ROOT / "params.yaml")
    encoder = settings.encoder.model_copy(update={"max_length": 32})
    model = load_encoder(tiny_model, encoder).to("cpu")
    texts = [document.contents for document in CORPUS.values()]
    parity = {".": export_variants(model, texts, folder / "onnx", encoder, settings.export)}
    gate = {name: {"passed": True, "reason": ""} for name in parity["."]}
    write_json(folder / "export.json", {"parity": parity, "gate": gate})
    return folder


@pytest.fixture
def evaluation_project(
    tmp_path: Path,
    tiny_model: Path,
    exported: Path,
    with_params: Change,
) -> Path:
    with_params({"encoder.max_length": 32, "evaluate.resamples": 200})  # writes params.yaml
    (tmp_path / "onnx").symlink_to(exported / "onnx")
    (tmp_path / "export.json").symlink_to(exported / "export.json")
    write_corpus(tmp_path / "collection/corpus.jsonl", CORPUS)
    write_split(tmp_path / "collection/dev", Split())
    write_split(tmp_path / "synthetic/dev", Split())
    write_split(
        tmp_path / "collection/test",
        Split({"q1": "apple", "q2": "what is a dog"}, {"q1": {"a": 2}, "q2": {"c": 1, "b": 1}}),
    )
    arguments = options(
        corpus=tmp_path / "collection/corpus.jsonl",
        model=tiny_model,
        out=tmp_path / "vectors",
        params=tmp_path / "params.yaml",
    )
    assert CliRunner().invoke(embed.main, arguments).exit_code == 0
    return tmp_path


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """Runs a stage in a folder, its paths given by option; the options that end in json too."""

    def run(stage: Any, **paths: str) -> str:
        words = [
            word
            for name, path in (paths | {"params": "params.yaml"}).items()
            for word in (f"--{name.replace('_', '-')}", str(tmp_path / path))
        ]
        result = CliRunner().invoke(stage.main, words, catch_exceptions=False)
        assert result.exit_code == 0, result.output
        return result.output

    return run


def options(**values: Path) -> list[str]:
    return [
        part for key, value in values.items() for part in (f"--{key.replace('_', '-')}", str(value))
    ]
