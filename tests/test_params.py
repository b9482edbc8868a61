from pathlib import Path
from typing import Any

import pytest

from stages.lib.errors import UserError
from stages.lib.params import read_params
from tests.conftest import Change


def test_a_float_written_as_text_is_read(with_params: Change) -> None:
    assert with_params({"train.learning_rate": "1e-5"}).train.learning_rate == 1e-5


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"train.epoch": 2}, "train.epoch: no such parameter"),
        ({"train.epochs": "many"}, "train.epochs: .* got 'many'"),
        ({"select.dev_share": 1.5}, "select.dev_share: .* got 1.5"),
        ({"mine.range_max": 1}, "mine: .*range_max must exceed range_min"),
        ({"package.hnsw_links": 2**31}, "package.hnsw_links: .* got 2147483648"),
        ({"package.targets": 2**30}, "package.targets: .* got 1073741824"),
        ({"bm25.k1": 1e300}, r"bm25.k1: .* got 1e\+300"),
        ({"bm25.k1": float("inf")}, "bm25.k1: .* got inf"),
        (
            {"encoder.query_prefix": "query:\r"},
            r"encoder: query_prefix: .*U\+000D cannot",
        ),
        ({"package.nodes": "cloud", "package.token": "a\x00"}, r"package: token: .*U\+0000"),
        ({"fusion.shares": []}, "fusion.shares: List should have at least 1 item"),
        ({"export.opset": 99}, "export.opset: .* got 99"),
        (
            {"documents.model": "big", "package.embed_new": True},
            "documents.model is named, whose vectors package.embed_new cannot compute",
        ),
        (
            {"adapt.kind": "linear"},
            "adapt.kind is linear, and documents.model names no model to adapt the queries of",
        ),
        ({"adapt.kind": "three-layers"}, "adapt.kind: .*'two-layers', got 'three-layers'"),
        ({"llm.provider": "gpt"}, "llm.provider: .* got 'gpt'"),
        ({"bm25.language": "klingon"}, "bm25.language: .*'english', .*'none', got 'klingon'$"),
        (
            {"llm.provider": "none"},
            "params.yaml: llm.provider is none and prepare.queries_from names no tool, so that "
            "there would be no queries; set one of them$",
        ),
        (
            {
                "llm.provider": "none",
                "prepare.queries_from": "inpars",
                "expand.enabled": True,
            },
            "expand.enabled needs an LLM, and llm.provider is none$",
        ),
        (
            {"prepare.empty_documents": "keep", "package.vectors": "vespa"},
            "params.yaml: prepare.empty_documents is keep, and package.vectors: vespa embeds no "
            "empty document; set it to drop, or package.vectors to fed$",
        ),
    ],
)
def test_a_bad_parameter_is_named(
    with_params: Change, changes: dict[str, Any], message: str
) -> None:
    with pytest.raises(UserError, match=message):
        with_params(changes)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("seed: [1", "not YAML .* line 1, column"),
        ("seed: 2026-02-31", "not YAML .day is out of range"),
        # a hundred thousand would end the process
        ("seed: " + "[" * 100_000 + "]" * 100_000, "more than 50 lists or mappings in each other"),
        ("{" * 60, "more than 50 lists or mappings in each other"),
    ],
)
def test_what_is_no_yaml_is_named(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "params.yaml"
    path.write_text(text)
    with pytest.raises(UserError, match=message):
        read_params(path)
