"""Graphs and variants of an encoder beside torch."""

import json
from pathlib import Path

import numpy as np
import onnx
import pytest
from sentence_transformers import SentenceTransformer
from sentence_transformers.sentence_transformer.modules import Normalize, Pooling
from tokenizers import Tokenizer

from stages.lib.encoding.encoder import encode, load_encoder, token_ids
from stages.lib.encoding.portable import standardise
from stages.lib.errors import UserError
from stages.lib.export.embedder import read_embedder
from stages.lib.export.folder import describe, load_onnx, save_variant, served_tokenizer
from stages.lib.export.graph import export_graph, halved
from stages.lib.export.parity import HARD_TEXTS, parity, unit_vectors
from stages.lib.export.runtime import open_session
from stages.lib.export.variants import export_variants
from stages.lib.params import Params
from tests.conftest import Change
from tests.encoding.test_causal import KINDS as LANGUAGE_MODELS
from tests.export.kinds import KINDS, MORE, TEXTS, make_model, outputs
from tests.tiny import make_tiny_language_model


def test_names_and_shapes_are_those_that_the_server_wants(graph: onnx.ModelProto) -> None:
    assert [each.name for each in graph.graph.input] == [
        "input_ids",
        "attention_mask",
        "token_type_ids",
    ]
    (output,) = graph.graph.output
    assert output.name == "last_hidden_state"
    shape = output.type.tensor_type.shape.dim
    assert [each.dim_param for each in shape[:2]] == ["batch", "length"]
    assert shape[2].dim_value == 32
    assert not any(each.external_data for each in graph.graph.initializer)


def test_a_graph_says_nothing_of_where_it_was_made(graph: onnx.ModelProto) -> None:
    assert b".py" not in graph.SerializeToString()


def test_a_batch_with_padding_equals_each_text_alone(
    bert: SentenceTransformer, graph: onnx.ModelProto
) -> None:
    padded = bert.tokenizer.pad({"input_ids": token_ids(bert, TEXTS)}, return_tensors="np")
    given = {name: np.asarray(padded[name], dtype=np.int64) for name in padded}
    given.setdefault("token_type_ids", np.zeros_like(given["input_ids"]))
    together = open_session(graph).run(None, given)[0]
    for row, alone in zip(together, outputs(graph, bert), strict=True):
        assert np.abs(row[: len(alone)] - alone).max() < 1e-5


def test_halved_graphs_take_and_give_the_same(
    bert: SentenceTransformer, graph: onnx.ModelProto
) -> None:
    half = halved(graph)
    assert half.ByteSize() < 0.75 * graph.ByteSize()
    for found, expected in zip(outputs(half, bert), outputs(graph, bert), strict=True):
        assert found.dtype == np.float32
        assert np.abs(found - expected).max() < 0.02


# of each transformer one, and of each pooling, which no graph holds
@pytest.mark.parametrize("name", ["MiniLM, E5, GTE", "BGE-M3", "ModernBERT, new GTE"])
def test_kinds_of_models(name: str, tiny_model: Path, short: Params, tmp_path: Path) -> None:
    kind = KINDS[name]
    model = load_encoder(make_model(kind, tiny_model, tmp_path), short.encoder).to("cpu")
    rows = export_variants(model, TEXTS, tmp_path / "out", short.encoder, short.export)
    assert rows["fp32"]["min_cosine"] > 0.9999
    assert rows["fp16"]["min_cosine"] > 0.999
    assert rows["int8"]["mean_cosine"] > 0.99
    inputs = ["input_ids", "attention_mask", *(["token_type_ids"] if kind.token_types else [])]
    padded = model.tokenizer.pad({"input_ids": token_ids(model, TEXTS)}, return_tensors="np")
    for variant in ("fp32", "fp16", "int8"):
        graph = onnx.load(tmp_path / "out" / variant / "model.onnx")
        assert [each.name for each in graph.graph.input] == inputs
        (output,) = graph.graph.output
        assert (output.name, len(output.type.tensor_type.shape.dim)) == ("last_hidden_state", 3)
        settings = read_embedder(tmp_path / "out" / variant)
        assert (settings.token_type_ids, settings.pooling) == (kind.token_types, kind.pooling)
        given = {key: np.asarray(padded[key], dtype=np.int64) for key in inputs[:2]}
        given |= {key: np.zeros_like(given["input_ids"]) for key in inputs[2:]}
        together = open_session(graph).run(None, given)[0]
        assert together.shape == (*given["input_ids"].shape, 32), "any batch and length"


@pytest.mark.parametrize("name", MORE)
def test_graphs_of_more_kinds(name: str, tiny_model: Path, short: Params, tmp_path: Path) -> None:
    model = load_encoder(make_model(MORE[name], tiny_model, tmp_path), short.encoder).to("cpu")
    graph = export_graph(model, 18, pooled=True)
    inputs = ["input_ids", "attention_mask", *["token_type_ids"] * MORE[name].token_types]
    assert [each.name for each in graph.graph.input] == inputs
    found = np.stack(outputs(graph, model))
    assert (found * unit_vectors(model, TEXTS)).sum(axis=1).min() > 0.99999


def test_a_language_models_variants(tmp_path: Path, with_params: Change) -> None:
    params = with_params({"encoder.max_length": 32, "export.texts": 2, "export.pooled": True})
    folder = make_tiny_language_model(tmp_path / "plain", LANGUAGE_MODELS["Llama"])
    standardise(folder, 32)
    model = load_encoder(folder, params.encoder).to("cpu")
    rows = export_variants(model, TEXTS, tmp_path / "out", params.encoder, params.export)
    assert rows["fp32"]["min_cosine"] > 0.99999
    assert rows["fp16"]["min_cosine"] > 0.999
    assert rows["int8"]["mean_cosine"] > 0.99
    graph = onnx.load(tmp_path / "out" / "fp32" / "model.onnx")
    # in a batch too, the last token is each text's own, on whichever side the padding is
    for side in ("right", "left"):
        model.tokenizer.padding_side = side
        padded = model.tokenizer.pad({"input_ids": token_ids(model, TEXTS)}, return_tensors="np")
        given = {name: np.asarray(padded[name], dtype=np.int64) for name in padded}
        together = open_session(graph).run(None, given)[0]
        assert (together * unit_vectors(model, TEXTS)).sum(axis=1).min() > 0.99999


def test_variants_on_disk_search_like_torch(
    tiny_model: Path, graph: onnx.ModelProto, short: Params, tmp_path: Path
) -> None:
    model = load_encoder(tiny_model, short.encoder).to("cpu")
    rows = export_variants(model, TEXTS, tmp_path / "out", short.encoder, short.export)
    assert rows["fp32"]["min_cosine"] > 0.99999
    assert rows["fp16"]["min_cosine"] > 0.999
    assert rows["int8"]["mean_cosine"] > 0.99
    expected = encode(model, TEXTS, "the ")
    for variant in ("fp32", "int8"):
        found = encode(load_onnx(tmp_path / "out" / variant), TEXTS, "the ")
        assert (found * expected).sum(axis=1).min() > 0.99
    assert onnx.load(tmp_path / "out" / "fp32" / "model.onnx") == graph  # made another time
    names = {each.name for each in (tmp_path / "out" / "int8").iterdir()}
    assert names == {"model.onnx", "tokenizer.json", "embedder.json"}


def test_the_hash_follows_content_and_settings(
    bert: SentenceTransformer, graph: onnx.ModelProto, with_params: Change, tmp_path: Path
) -> None:
    hashes = []
    for number, query_prefix in enumerate(["", "", "query: "]):
        params = with_params({"encoder.query_prefix": query_prefix})
        settings = describe(bert, graph, "fp32", params.encoder)
        save_variant(tmp_path / str(number), graph, served_tokenizer(bert), settings)
        hashes.append(read_embedder(tmp_path / str(number)).hash)
    assert hashes[0] == hashes[1] != hashes[2]
    assert len(hashes[0]) == 16


def test_pooled_graphs_give_the_text_vector(
    tiny_model: Path, with_params: Change, tmp_path: Path
) -> None:
    params = with_params({"encoder.max_length": 32, "export.pooled": True})
    model = load_encoder(tiny_model, params.encoder).to("cpu")
    rows = export_variants(model, TEXTS, tmp_path / "out", params.encoder, params.export)
    assert rows["fp32"]["min_cosine"] > 0.99999
    settings = read_embedder(tmp_path / "out" / "fp32")
    assert (settings.pooling, settings.output) == ("none", "sentence_embedding")
    assert encode(load_onnx(tmp_path / "out" / "fp32"), TEXTS).shape == (4, 32)


def test_pooling_that_no_server_knows_must_be_in_the_graph(
    bert: SentenceTransformer, graph: onnx.ModelProto, short: Params
) -> None:
    model = SentenceTransformer(modules=[bert[0], Pooling(32, "max"), Normalize()], device="cpu")
    with pytest.raises(UserError, match="ends in max, which the server cannot do; set export.pool"):
        describe(model, graph, "fp32", short.encoder)


def test_what_the_tokenizer_cuts_and_pads_by_itself_is_taken_out(
    tiny_model: Path, short: Params
) -> None:
    model = load_encoder(tiny_model, short.encoder)
    model.tokenizer.backend_tokenizer.enable_truncation(5)
    model.tokenizer.backend_tokenizer.enable_padding(length=20)
    tokenizer = served_tokenizer(model)
    assert len(tokenizer.encode("red apple").ids) == 4
    assert len(tokenizer.encode("red " * 30).ids) == 32
    saved = json.loads(tokenizer.to_str())
    assert saved["truncation"] is saved["padding"] is None
    assert isinstance(tokenizer, Tokenizer)


def test_a_tokenizer_that_is_not_fast_is_refused() -> None:
    class Slow:
        is_fast = False

    class Model:
        tokenizer = Slow()

    with pytest.raises(UserError, match=r"\(Slow\) has no tokenizer.json; convert it"):
        served_tokenizer(Model())  # type: ignore[arg-type]


def test_parity_names_the_worst_text(bert: SentenceTransformer) -> None:
    expected = unit_vectors(bert, HARD_TEXTS)
    found = expected.copy()
    found[2] = -found[2]
    worst = parity(expected, found, HARD_TEXTS)
    assert worst.minimum == pytest.approx(-1)
    assert worst.worst == "a"


def test_positions_that_start_after_padding(
    tiny_model: Path, tmp_path: Path, with_params: Change
) -> None:
    folder = make_model(KINDS["multilingual E5"], tiny_model, tmp_path)
    model = load_encoder(folder, with_params({"encoder.max_length": 63}).encoder)
    assert np.isfinite(encode(model, ["cat " * 100])).all()
    with pytest.raises(UserError, match="64 is more than the 63 tokens that the base model takes"):
        load_encoder(folder, with_params({"encoder.max_length": 64}).encoder)
