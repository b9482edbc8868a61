import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from stages.lib.errors import UserError
from stages.lib.params import read_params
from stages.lib.presets import apply_preset, read_preset
from stages.operate.preset import main
from tests.imports import ROOT

PRESETS = sorted(each.stem for each in (ROOT / "stages" / "presets").glob("*.yaml"))
RECIPE = "language-model"

COLLECTIONS = [name for name in PRESETS if name not in (RECIPE, "tasks")]


@pytest.fixture
def params(tmp_path: Path) -> Path:
    return Path(shutil.copy(ROOT / "params.yaml", tmp_path))


def run(name: str, params: Path) -> Result:
    options = ["--presets", str(ROOT / "stages" / "presets"), "--params", str(params)]
    return CliRunner().invoke(main, [*options, name])


def test_the_presets_are_those_promised() -> None:
    assert PRESETS == ["fiqa", RECIPE, "nfcorpus", "nq", "tasks"]


@pytest.mark.parametrize("name", PRESETS)
def test_a_preset_changes_its_values_and_nothing_else(name: str, params: Path) -> None:
    before = read_params(params).model_dump()
    result = run(name, params)
    assert result.exit_code == 0, result.output
    after = read_params(params).model_dump()
    for section, values in read_preset(ROOT / "stages" / "presets", name).items():
        before[section] |= values
    assert after == before


@pytest.mark.parametrize("name", COLLECTIONS)
def test_a_collection_has_the_preset_of_its_name(name: str, params: Path) -> None:
    assert f"prepare.dataset:  -> beir/{name}" in run(name, params).output
    assert read_params(params).prepare.dataset == f"beir/{name}"


def test_comments_and_order_stay(params: Path) -> None:
    before = params.read_text().splitlines()
    run("nfcorpus", params)
    run(RECIPE, params)
    after = params.read_text().splitlines()
    changed = [(old, new) for old, new in zip(before, after, strict=True) if old != new]
    assert ("  source: beir", "  source: ir_datasets") in changed
    assert ("    rank: 0", "    rank: 16") in changed
    assert all(not old.lstrip().startswith("#") for old, _ in changed)


def test_one_preset_after_another_leaves_nothing_of_the_first(params: Path) -> None:
    run("fiqa", params)
    run("nq", params)
    twice = params.read_text()
    shutil.copy(ROOT / "params.yaml", params)
    run("nq", params)
    assert params.read_text() == twice


def test_mistakes_are_named_and_change_nothing(params: Path) -> None:
    before = params.read_text()
    result = run("nope", params)
    assert result.exit_code == 1
    assert result.output.endswith(
        "nope.yaml: no such preset; there are fiqa, language-model, nfcorpus, nq, tasks\n"
    )
    with pytest.raises(UserError, match=r"params.yaml: train.epoch: no such parameter"):
        apply_preset(params, {"train": {"epoch": 3}})
    assert params.read_text() == before
    with pytest.raises(UserError, match=r"train.epochs: Input should be greater than or equal to"):
        apply_preset(params, {"train": {"epochs": 0}})
    assert params.read_text() == before
