"""Benches call the stages by options that the stages have: nobody runs the benches here."""

from importlib import import_module
from pathlib import Path

import pytest

from tests.bench import adapter, recipe
from tests.bench.size import edited

PARAMS = Path("params.yaml")


def parsed(stage: str, params: Path, *options: str | Path) -> None:
    """Lets the stage's command read the options, which refuses unknown and missing ones."""
    words = [*map(str, options), "--params", str(params)]
    import_module(f"stages.{stage}").main.make_context(stage, words)


def test_the_recipe(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recipe, "call", parsed)
    recipe.prepare(tmp_path, PARAMS, None)
    recipe.tune(tmp_path, tmp_path / "run", PARAMS, tmp_path / "train", None)


def test_the_adapter(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(adapter, "call", parsed)
    monkeypatch.setattr(adapter, "know", lambda *_: None)
    adapter.mine(tmp_path, PARAMS)


def test_an_edited_document(tmp_path: Path) -> None:
    for stage, options in edited.steps(tmp_path).items():
        metrics = () if stage == "embed" else ("--metrics", tmp_path / "metrics.json")
        parsed(stage, PARAMS, *options, *metrics)
