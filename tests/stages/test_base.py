import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner, Result
from sentence_transformers import SentenceTransformer
from sentence_transformers.sentence_transformer.modules import Dense

from stages.base import main
from stages.lib.core.files import has_files
from stages.lib.encoding.encoder import encode, load_encoder
from stages.lib.encoding.hub import licence
from tests.conftest import Change
from tests.encoding.test_causal import KINDS as LANGUAGE_MODELS
from tests.tiny import make_tiny_language_model

OWN = """from sentence_transformers.sentence_transformer.modules import Normalize


class Own(Normalize):
    pass
"""


@pytest.fixture
def model(tiny_model: Path, tmp_path: Path) -> Path:
    folder = tmp_path / "source"
    shutil.copytree(tiny_model, folder)
    return folder


def options(tmp_path: Path) -> list[str]:
    paths = {"out": "base", "params": "params.yaml"}
    paths |= {name: name for name in ("teacher", "language-model", "documents", "reader")}
    return [word for name in paths for word in (f"--{name}", str(tmp_path / paths[name]))]


def fetch(
    model: Path, tmp_path: Path, with_params: Change, custom_code: str = "", **changes: Any
) -> Result:
    base = {"base.model": str(model), "base.sha256": None, "base.custom_code": custom_code}
    with_params(base | {key.replace("__", "."): value for key, value in changes.items()})
    return CliRunner().invoke(main, options(tmp_path))


def refused(result: Result, tmp_path: Path) -> str:
    assert result.exit_code == 1
    assert not (tmp_path / "base").exists()
    assert result.output.count("\n") == 1
    return result.output


def test_a_folder_is_copied(model: Path, tmp_path: Path, with_params: Change) -> None:
    result = fetch(model, tmp_path, with_params)
    assert result.exit_code == 0, result.output
    assert (tmp_path / "base" / "tokenizer.json").is_file()


def test_what_has_not_changed_stays_as_it_was(
    model: Path, tmp_path: Path, with_params: Change
) -> None:
    weights = tmp_path / "base" / "model.safetensors"
    fetch(model, tmp_path, with_params)
    before = weights.stat()
    fetch(model, tmp_path, with_params)
    assert weights.stat().st_ino == before.st_ino, "DVC would hash it again"
    config = model / "config.json"
    config.write_text(config.read_text() + " ")
    fetch(model, tmp_path, with_params)
    assert (tmp_path / "base" / "config.json").read_bytes() == config.read_bytes()


def test_code_of_the_model_needs_its_name(model: Path, tmp_path: Path, with_params: Change) -> None:
    modules = json.loads((model / "modules.json").read_text())
    modules[-1]["type"] = "own.Own"
    (model / "modules.json").write_text(json.dumps(modules))
    (model / "own.py").write_text(OWN)
    for allowed in ("", "another/model"):
        message = refused(fetch(model, tmp_path, with_params, allowed), tmp_path)
        assert "brings code of its own (own.Own)" in message
        assert "base.custom_code" in message
    done = fetch(model, tmp_path, with_params, str(model), export__pooled=True)
    assert done.exit_code == 0, done.output
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


@pytest.mark.parametrize(
    ("key", "folder"),
    [
        ("mine.cross_encoder", "teacher"),
        ("mine.language_model", "language-model"),
        ("answer.language_model", "reader"),
    ],
)
def test_a_model_is_fetched_where_one_is_named(
    tiny_model: Path, tmp_path: Path, with_params: Change, key: str, folder: str
) -> None:
    changes = {"base.model": str(tiny_model), "base.sha256": None, "generate.answers": True}
    with_params(changes | {key: str(tiny_model)})
    assert CliRunner().invoke(main, options(tmp_path)).exit_code == 0
    assert (tmp_path / folder / "tokenizer.json").is_file()
    with_params(changes | {key: "nobody/nothing"})
    result = CliRunner().invoke(main, options(tmp_path))
    assert result.exit_code == 1
    assert f"{key}_revision: '' may change under you" in result.output
    with_params(changes | {key: "nobody/nothing", f"{key}_revision": "0" * 40})
    result = CliRunner().invoke(main, options(tmp_path))
    assert result.exit_code == 1
    assert f"{key}: 'nobody/nothing'" in result.output
    with_params(changes)
    assert CliRunner().invoke(main, options(tmp_path)).exit_code == 0
    assert not has_files(tmp_path / folder)


def test_changed_files_of_a_folder_are_read_again(
    model: Path, tmp_path: Path, with_params: Change
) -> None:
    assert fetch(model, tmp_path, with_params).exit_code == 0
    (model / "config.json").write_text((model / "config.json").read_text() + "\n")
    assert fetch(model, tmp_path, with_params).exit_code == 0
    copied = (tmp_path / "base" / "config.json").read_text()
    assert copied == (model / "config.json").read_text()


def test_what_came_from_the_hub_by_name_and_revision_stays(
    model: Path, tmp_path: Path, with_params: Change
) -> None:
    assert fetch(model, tmp_path, with_params).exit_code == 0
    source = {"model": "nobody/nothing", "revision": "1" * 40}
    (tmp_path / "base" / "source.json").write_text(json.dumps(source))
    named = Path("nobody/nothing")  # there is no such model, so that fetching it would fail
    assert fetch(named, tmp_path, with_params, base__revision="1" * 40).exit_code == 0
    again = fetch(named, tmp_path, with_params, base__revision="2" * 40)
    assert "neither a folder nor to be had from the hub" in again.output


def test_prompts_that_are_not_the_prefixes_are_told(
    model: Path, tmp_path: Path, with_params: Change
) -> None:
    path = model / "config_sentence_transformers.json"
    asks = {"query": "ask: ", "document": ""}
    config = {"prompts": asks, "default_prompt_name": "query"}
    path.write_text(json.dumps(json.loads(path.read_text()) | config))
    told = fetch(model, tmp_path, with_params).output
    assert "encoder.query_prefix is '', but the model's own prompt is 'ask: '" in told
    assert "document_prefix" not in told.split(": the prefixes")[0]
    same = fetch(model, tmp_path, with_params, encoder__query_prefix="ask: ")
    assert "Warning" not in same.output


@pytest.mark.parametrize("old", [False, True])
def test_pooling_that_servers_cannot_do_is_told_at_once(
    model: Path, tmp_path: Path, with_params: Change, old: bool
) -> None:
    path = model / "1_Pooling" / "config.json"
    config = json.loads(path.read_text())
    if old:
        del config["pooling_mode"]
        path.write_text(json.dumps(config | {"pooling_mode_mean_tokens": True}))
        assert fetch(model, tmp_path, with_params).exit_code == 0
        shutil.rmtree(tmp_path / "base")
    mode = {"pooling_mode_max_tokens": True} if old else {"pooling_mode": "max"}
    path.write_text(json.dumps(config | mode))
    message = refused(fetch(model, tmp_path, with_params), tmp_path)
    assert "the model ends in max" in message
    assert "export.pooled" in message
    assert fetch(model, tmp_path, with_params, export__pooled=True).exit_code == 0


def test_weights_of_a_module_are_kept_and_missed(
    tiny_model: Path, tmp_path: Path, with_params: Change
) -> None:
    built = SentenceTransformer(str(tiny_model), device="cpu")
    built.append(Dense(32, 16))
    model = tmp_path / "source"
    built.save(str(model), create_model_card=False, safe_serialization=False)
    # the transformer's weights have to be safetensors
    shutil.copy(tiny_model / "model.safetensors", model)
    (dense,) = model.glob("*_Dense")
    assert (dense / "pytorch_model.bin").is_file()
    assert fetch(model, tmp_path, with_params, export__pooled=True).exit_code == 0
    assert (tmp_path / "base" / dense.name / "model.safetensors").is_file()
    assert not list((tmp_path / "base").rglob("*.bin"))
    params = with_params({"encoder.max_length": 32})
    found, wanted = (
        encode(load_encoder(each, params.encoder), ["red apple"])
        for each in (tmp_path / "base", model)
    )
    assert np.array_equal(found, wanted)
    shutil.rmtree(tmp_path / "base")
    (dense / "pytorch_model.bin").unlink()
    message = refused(fetch(model, tmp_path, with_params, export__pooled=True), tmp_path)
    assert f"its module {dense.name} has no weights" in message


def test_the_documents_model_is_fetched_or_recorded(
    tiny_model: Path, tmp_path: Path, with_params: Change
) -> None:
    changes = {"base.model": str(tiny_model), "base.sha256": None}
    with_params(changes | {"documents.model": str(tiny_model)})
    assert CliRunner().invoke(main, options(tmp_path)).exit_code == 0
    assert (tmp_path / "documents" / "tokenizer.json").is_file()
    with_params(changes | {"documents.model": "an/unpinned", "documents.revision": "main"})
    assert "documents.revision: 'main'" in CliRunner().invoke(main, options(tmp_path)).output
    with_params(changes | {"documents.model": "embed-1", "documents.provider": "openai"})
    assert CliRunner().invoke(main, options(tmp_path)).exit_code == 0
    assert json.loads((tmp_path / "documents" / "endpoint.json").read_text())["model"] == "embed-1"
    with_params(changes)
    assert CliRunner().invoke(main, options(tmp_path)).exit_code == 0
    assert not has_files(tmp_path / "documents")


def test_a_language_model_is_made_an_encoder(tmp_path: Path, with_params: Change) -> None:
    plain = make_tiny_language_model(tmp_path / "plain", LANGUAGE_MODELS["Qwen2"])
    message = refused(fetch(plain, tmp_path, with_params), tmp_path)
    assert "the model ends in lasttoken, which servers cannot do; set export.pooled" in message
    short: dict[str, Any] = {"encoder__max_length": 32, "export__pooled": True}
    done = fetch(plain, tmp_path, with_params, **short)
    assert done.exit_code == 0, done.output
    encoder = load_encoder(tmp_path / "base", with_params({"encoder.max_length": 32}).encoder)
    assert encode(encoder, ["red apple", ""]).shape == (2, 32)


@pytest.mark.parametrize("kind", ["StaticEmbedding", "MLMTransformer"])
def test_what_is_no_transformer_with_a_vector_a_text_is_refused(
    model: Path, tmp_path: Path, with_params: Change, kind: str
) -> None:
    modules = json.loads((model / "modules.json").read_text())
    modules[0]["type"] = f"sentence_transformers.models.{kind}"
    (model / "modules.json").write_text(json.dumps(modules))
    message = refused(fetch(model, tmp_path, with_params), tmp_path)
    assert f"the model begins with {kind}; only transformers with one vector a text" in message


def test_a_model_of_no_known_width_is_refused(
    model: Path, tmp_path: Path, with_params: Change
) -> None:
    (model / "modules.json").unlink()
    config = json.loads((model / "config.json").read_text())
    parts = {"model_type": "clip", "text_config": {"hidden_size": config.pop("hidden_size")}}
    (model / "config.json").write_text(json.dumps(config | parts))
    message = refused(fetch(model, tmp_path, with_params), tmp_path)
    assert "config.json names no width" in message
    assert "no model of texts alone (clip)" in message


def test_a_licence_is_the_cards_or_unknown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert licence(str(tmp_path), "") == "unknown"
    for card, terms in (
        ("---\nlicense: mit\n---\n# A model\n", "mit"),
        ("# A model without front matter\n", "unknown"),
        ("---\nlicense: [\n---\n", "unknown"),
    ):
        (tmp_path / "README.md").write_text(card)
        assert licence(str(tmp_path), "") == terms
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    assert licence("nobody/nothing", "main") == "unknown"
