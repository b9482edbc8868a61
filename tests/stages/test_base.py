import json
import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from stages.base import main
from stages.lib.encoding.encoder import encode, load_encoder
from tests.conftest import Change

OWN = """from sentence_transformers.sentence_transformer.modules import Normalize


class Own(Normalize):
    pass
"""


@pytest.fixture
def model(tiny_model: Path, tmp_path: Path) -> Path:
    folder = tmp_path / "source"
    shutil.copytree(tiny_model, folder)
    return folder


def fetch(model: Path, tmp_path: Path, with_params: Change, custom_code: str = "") -> Result:
    with_params({"base.model": str(model), "base.sha256": None, "base.custom_code": custom_code})
    arguments = ["--out", str(tmp_path / "base"), "--teacher", str(tmp_path / "teacher")]
    arguments += ["--params", str(tmp_path / "params.yaml")]
    return CliRunner().invoke(main, arguments)


def refused(result: Result, tmp_path: Path) -> str:
    assert result.exit_code == 1
    assert not (tmp_path / "base").exists()
    assert result.output.count("\n") == 1
    return result.output


def test_a_folder_is_copied(model: Path, tmp_path: Path, with_params: Change) -> None:
    result = fetch(model, tmp_path, with_params)
    assert result.exit_code == 0, result.output
    assert (tmp_path / "base" / "tokenizer.json").is_file()


def test_code_of_the_model_needs_its_name(model: Path, tmp_path: Path, with_params: Change) -> None:
    modules = json.loads((model / "modules.json").read_text())
    modules[-1]["type"] = "own.Own"
    (model / "modules.json").write_text(json.dumps(modules))
    (model / "own.py").write_text(OWN)
    for allowed in ("", "another/model"):
        message = refused(fetch(model, tmp_path, with_params, allowed), tmp_path)
        assert "brings code of its own (own.Own)" in message
        assert "base.custom_code" in message
    assert fetch(model, tmp_path, with_params, str(model)).exit_code == 0
    params = with_params({"encoder.max_length": 32})
    encoder = load_encoder(tmp_path / "base", params.encoder)
    assert type(encoder[-1]).__name__ == "Own"
    assert encode(encoder, ["red apple"]).shape == (1, 32)


def test_code_of_a_configuration_is_found_too(
    model: Path, tmp_path: Path, with_params: Change
) -> None:
    config = json.loads((model / "config.json").read_text())
    config["auto_map"] = {"AutoModel": "other/place--modeling.New"}
    (model / "config.json").write_text(json.dumps(config))
    message = refused(fetch(model, tmp_path, with_params), tmp_path)
    assert "(other/place--modeling.New)" in message


def test_what_no_onnx_file_holds_is_refused_before_anything_is_spent(
    model: Path, tmp_path: Path, with_params: Change
) -> None:
    header = {"weight": {"dtype": "F16", "shape": [30_000, 20_000], "data_offsets": [0, 0]}}
    text = json.dumps(header).encode()
    (model / "model.safetensors").write_bytes(len(text).to_bytes(8, "little") + text)
    message = refused(fetch(model, tmp_path, with_params), tmp_path)
    assert "2.2 GiB of weights, more than the 2 GiB of one ONNX file" in message


def test_damaged_weights_are_said(model: Path, tmp_path: Path, with_params: Change) -> None:
    (model / "model.safetensors").write_bytes(b"not weights at all")
    assert "model.safetensors is damaged" in refused(fetch(model, tmp_path, with_params), tmp_path)


def test_a_tokenizer_that_is_not_fast_is_refused(
    model: Path, tmp_path: Path, with_params: Change
) -> None:
    (model / "tokenizer.json").unlink()
    assert "no tokenizer.json" in refused(fetch(model, tmp_path, with_params), tmp_path)


def test_a_cross_encoder_is_fetched_where_one_is_named(
    tiny_model: Path, tmp_path: Path, with_params: Change
) -> None:
    changes = {"base.model": str(tiny_model), "base.sha256": None}
    with_params(changes | {"mine.cross_encoder": str(tiny_model)})
    arguments = ["--out", str(tmp_path / "base"), "--teacher", str(tmp_path / "teacher")]
    arguments += ["--params", str(tmp_path / "params.yaml")]
    assert CliRunner().invoke(main, arguments).exit_code == 0
    assert (tmp_path / "teacher" / "tokenizer.json").is_file()
    with_params(changes | {"mine.cross_encoder": "nobody/nothing"})
    result = CliRunner().invoke(main, arguments)
    assert result.exit_code == 1
    assert "mine.cross_encoder: 'nobody/nothing'" in result.output
    with_params(changes)
    assert CliRunner().invoke(main, arguments).exit_code == 0
    assert list((tmp_path / "teacher").iterdir()) == []
