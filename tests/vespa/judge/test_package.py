"""Vespa's own code compiles and validates what any settings render, and warns of nothing."""

import random
from collections.abc import Callable
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest

from stages.lib.export.embedder import Embedder
from stages.lib.params import Params
from stages.lib.vespa.package.application import Application, ground_of
from stages.lib.vespa.package.manifest import Manifest
from stages.lib.vespa.package.rendering import write_application
from stages.lib.vespa.package.served import ServedModel, Serving
from stages.lib.vespa.package.tower import Tower
from stages.lib.vespa.search.profile import Profile
from tests.vespa.certificates import certificates
from tests.vespa.judge import Judge
from tests.vespa.workspace import ROOT, Workspace

Row = dict[str, Any]

PLACES = [("local", ""), *((each, token) for each in ("cloud", "cloud-gpu") for token in ("", "t"))]
HASHES = ("123456789012", "12345678e901", "abcdefabcdef", "0e0000000000")
"""Of towers and of trained vectors: some would pass for numbers."""

PARAMS: dict[str, list[Any]] = {
    "package.vector_type": ["float", "bfloat16", "binary"],
    "package.profile": ["semantic", "hybrid", "rrf"],
    "package.targets": [200, 1],
    "bm25.language": ["english", "none"],
    "bm25.k1": [1.2, 0.00001, 1, 100],
    "bm25.b": [0.75, 0, 1, 0.00001],
}
MODELS: dict[str, list[Any]] = {
    "filling": ["fed", "vespa", "trained"],
    "dimension": [16, 8],
    "models": [(1,), (1, 2), (1, "index"), (1, 2, "index"), ("index",)],
    "towers": [1, 2],
    "dense_weight": [0.0, 0.00001, 0.8, 0.123456789, 1.0],
    "prefix": ["", "   ", "find <&> ]]> \"'\n{$x} "],
    "pooling": [("mean", "hidden"), ("cls", "a/b:0"), ("none", 'pooled <&> "')],
    "embed_new": [False, True],
    "additional_hits": [0, 1600],
    "graph": [(16, 200), (2, 1), (64, 500)],
    "normalize": [True, False],
    "token_types": [True, False],
}
FACTORS = {**PARAMS, **MODELS, "place": PLACES}


def pairwise(factors: dict[str, list[Any]]) -> list[Row]:
    """Rows in which any two values of two factors meet, few of them and always the same."""
    drawn = random.Random(1)
    couples = list(combinations(factors, 2))
    pending = {(a, b, x, y) for a, b in couples for x in factors[a] for y in factors[b]}

    def met(row: Row) -> set[tuple[str, str, Any, Any]]:
        return {(a, b, row[a], row[b]) for a, b in couples} & pending

    rows = []
    while pending:
        a, b, x, y = min(pending, key=repr)
        filled = [
            {key: drawn.choice(values) for key, values in factors.items()} | {a: x, b: y}
            for _ in range(50)
        ]
        rows.append(max(filled, key=lambda row: len(met(row))))
        pending -= met(rows[-1])
    return rows


INDEX = Profile("99999999e999_index", "embedding_99999999e999_float_fed", "float", 16)


def served(row: Row, number: int) -> ServedModel:
    """The first or second model of a row."""
    pooling, output = row["pooling"]
    settings = Embedder(
        variant="fp32",
        dimension=16,
        max_tokens=64,
        pooling=pooling,
        normalize=row["normalize"],
        query_prefix=row["prefix"],
        document_prefix="passage: ",
        token_type_ids=row["token_types"],
        output=output,
    )
    towers = [Tower(each, settings) for each in HASHES]
    first = number - 1
    return ServedModel(
        towers[first],
        towers[2] if row["towers"] == 2 else towers[first],
        row["package.vector_type"],
        row["dimension"],
        "vespa" if row["filling"] == "vespa" else "fed",
        row["dense_weight"],
        HASHES[3] if row["filling"] == "trained" else "",
        links=row["graph"][0],
        explore=row["graph"][1],
        serving=Serving(
            row["package.profile"], row["package.targets"], row["bm25.k1"], row["bm25.b"]
        ),
        embeds_new=row["filling"] != "vespa" and row["embed_new"],
        additional_hits=row["additional_hits"],
    )


@pytest.mark.parametrize("row", pairwise(FACTORS))
def test_vespa_takes_what_any_settings_render(
    row: Row,
    judge: Judge,
    original: Workspace,
    tmp_path: Path,
    with_params: Callable[[dict[str, Any]], Params],
) -> None:
    place, token = row["place"]
    params = with_params(
        {key: row[key] for key in PARAMS} | {"package.nodes": place, "package.token": token}
    )
    models = tuple(served(row, number) for number in row["models"] if number != "index")
    live, previous = [*(model.label for model in models), None, None][:2]
    indexes = (INDEX,) if "index" in row["models"] else ()
    application = Application(models, live, previous, indexes).on(ground_of(params))
    files = original.folder / "onnx" / "fp32"
    folders = dict.fromkeys(application.towers(), files)
    package = tmp_path / "package"
    write_application(package, Manifest(application), ROOT / "application-package", folders)
    hosted = place != "local"
    if hosted:  # the vespa command adds it
        (package / "security").mkdir()
        certificates(tmp_path)
        (tmp_path / "client.pem").rename(package / "security" / "clients.pem")
    assert judge.package(package, hosted, token) == []
    settings = judge.settings(package, hosted, token)
    assert settings == {
        tower.embedder: {
            "query": row["prefix"],
            "document": "passage: ",
            "max_tokens": 64,
            "token_types": "token_type_ids" if row["token_types"] else "",
            "output": row["pooling"][1],
            "pooling": row["pooling"][0],
            "normalize": row["normalize"],
        }
        for tower in application.towers().values()
    }
