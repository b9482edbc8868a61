"""Vespa's own embedder on our exports: the vectors are those that ONNX gives here."""

from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from stages.lib.encoding.encoder import Vectors, encode, load_encoder
from stages.lib.encoding.hub import locate
from stages.lib.encoding.portable import standardise
from stages.lib.export.embedder import Side, read_embedder, tower_folder
from stages.lib.export.folder import load_onnx
from stages.lib.export.parity import HARD_TEXTS
from stages.lib.export.variants import export_variants
from stages.lib.params import Params, read_params
from stages.lib.search.vector_types import pack
from stages.lib.vespa.package.application import Application, ground_of
from stages.lib.vespa.package.manifest import Manifest
from stages.lib.vespa.package.rendering import write_application
from stages.lib.vespa.package.served import ServedModel
from stages.lib.vespa.package.tower import read_tower
from tests.conftest import ROOT
from tests.encoding.test_causal import KINDS as LANGUAGE_MODELS
from tests.export.kinds import KINDS, make_model
from tests.tiny import make_tiny_language_model
from tests.vespa.judge import Judge

Change = Callable[[dict[str, Any]], Params]
SIDES: dict[Side, str] = {"query": "query(q)", "document": "doc.embedding"}
PREFIXES = {"query_prefix": "what is <&> ", "document_prefix": "a dog:  "}
TEXTS = [
    "red apple",
    "what is the color of a plum",
    "a dog and a cat on the bus " * 40,
    *HARD_TEXTS,
]
SAMPLE = ROOT / "models" / "onnx"


def package(onnx: Path, folder: Path, params: Params) -> ServedModel:
    """Packages a variant's folder."""
    tower = read_tower(onnx)
    served = ServedModel(tower, tower, "float", tower.settings.dimension, "vespa", 0.5)
    manifest = Manifest(Application().adding(served).on(ground_of(params)))
    write_application(folder, manifest, ROOT / "application-package", {tower.hash: onnx})
    return served


def ask(
    judge: Judge, folder: Path, served: ServedModel, side: Side, type: str = ""
) -> list[list[float]]:
    embedder = served.query.embedder
    kind = type or str(served.profile.tensor)
    return judge.embed(folder, embedder, [each for each in TEXTS if each], kind, SIDES[side])


def here(onnx: Path, side: str) -> Vectors:
    settings = read_embedder(onnx)
    prefix = settings.query_prefix if side == "query" else settings.document_prefix
    return encode(load_onnx(onnx), [each for each in TEXTS if each], prefix)


def check(judge: Judge, onnx: Path, folder: Path, params: Params) -> None:
    served = package(onnx, folder, params)
    for side in SIDES:
        found = np.array(ask(judge, folder, served, side))
        assert np.linalg.norm(found, axis=1) == pytest.approx(1, abs=1e-5)
        cosines = (found * here(onnx, side)).sum(axis=1)
        assert cosines.min() > 0.99999, (side, cosines.argmin())


Made = Callable[[str, bool], tuple[Path, Params]]


@pytest.fixture(scope="module")
def made(tiny_model: Path, tmp_path_factory: pytest.TempPathFactory) -> Made:
    """Makes the variants of a kind of model, pooled or not, once, and tells by which parameters."""

    @cache
    def make(name: str, pooled: bool) -> tuple[Path, Params]:
        params = read_params(ROOT / "params.yaml")
        encoder = params.encoder.model_copy(update={"max_length": 32, **PREFIXES})
        export = params.export.model_copy(update={"texts": 2, "pooled": pooled})
        folder = tmp_path_factory.mktemp("made")
        model = load_encoder(make_model(KINDS[name], tiny_model, folder), encoder).to("cpu")
        export_variants(model, TEXTS[:4], folder / "out", encoder, export)
        return folder / "out", params.model_copy(update={"encoder": encoder, "export": export})

    return make


@pytest.mark.parametrize(
    ("name", "pooled"), [("MiniLM, E5, GTE", False), ("BGE-M3", False), ("BGE", True)]
)
def test_every_pooling_and_variant_gives_the_vectors_of_here(
    judge: Judge, made: Made, tmp_path: Path, name: str, pooled: bool
) -> None:
    out, params = made(name, pooled)
    for variant in ("fp32", "fp16", "int8"):
        check(judge, out / variant, tmp_path / variant, params)


def test_a_language_models_end_token_and_instruction_reach_vespa(
    judge: Judge, with_params: Change, tmp_path: Path
) -> None:
    instruction = {"encoder.query_prefix": "what is the car\nof a: ", "encoder.document_prefix": ""}
    changes = {"encoder.max_length": 32, "export.texts": 2, "export.pooled": True, **instruction}
    params = with_params(changes)
    folder = make_tiny_language_model(tmp_path / "plain", LANGUAGE_MODELS["Qwen2"])
    standardise(folder, 32)
    model = load_encoder(folder, params.encoder).to("cpu")
    export_variants(model, TEXTS[:4], tmp_path / "out", params.encoder, params.export)
    for variant in ("fp32", "int8"):
        check(judge, tmp_path / "out" / variant, tmp_path / variant, params)


@pytest.fixture(scope="session")
def exported(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The sample's model, or, where that has not been made, the base that it starts from."""
    if SAMPLE.exists():
        return SAMPLE
    folder = tmp_path_factory.mktemp("base") / "onnx"
    params = read_params(ROOT / "params.yaml")
    # what would stay in float is looked for at length
    whole = params.export.model_copy(update={"int8_agreement": 0.0})
    base = locate(params.base.model, params.base.revision, "base.model")
    model = load_encoder(base, params.encoder).to("cpu")
    export_variants(model, TEXTS[:4], folder, params.encoder, whole)
    return folder


@pytest.mark.parametrize("variant", ["fp32", "int8"])
def test_a_real_model_gives_the_vectors_of_here(
    judge: Judge, params: Params, exported: Path, tmp_path: Path, variant: str
) -> None:
    for onnx in sorted({tower_folder(exported, variant, side) for side in SIDES}):
        check(judge, onnx, tmp_path / onnx.parent.name, params)


def test_bits_are_packed_and_first_dimensions_kept_as_here(
    judge: Judge, made: Made, tmp_path: Path
) -> None:
    out, params = made("MiniLM, E5, GTE", False)
    served = package(out / "fp32", tmp_path / "package", params)

    def asked(type: str) -> Any:
        return np.array(ask(judge, tmp_path / "package", served, "query", type))

    whole = asked("tensor<float>(x[32])").astype(np.float32)
    # rounded when it is sent on
    np.testing.assert_array_equal(asked("tensor<bfloat16>(x[32])"), whole)
    np.testing.assert_array_equal(asked("tensor<int8>(x[4])"), pack(whole).view(np.int8))
    # the first dimensions, as unit vectors
    half = whole[:, :16] / np.linalg.norm(whole[:, :16], axis=1, keepdims=True)
    np.testing.assert_allclose(asked("tensor<float>(x[16])"), half, atol=1e-6)
