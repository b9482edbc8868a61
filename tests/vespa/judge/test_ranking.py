"""Vespa's own arithmetic of our rank profiles: what ours gives, for the same numbers."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from stages.lib.search.vector_types import binary_scores, pack
from stages.lib.vespa.package.manifest import read_manifest
from stages.lib.vespa.package.served import ServedModel
from tests.vespa.deployments import packed
from tests.vespa.judge import Judge
from tests.vespa.standin.ranking import reciprocal_ranks, weighted
from tests.vespa.workspace import Workspace

Features = list[tuple[float, float]]
"""Cosine and BM25 of hits."""

FEATURES: Features = [
    *((0.9, 1), (0.8, 12), (0.8, 0), (0.7, 7), (0.5, 3), (0.5, 3), (0.1, 12), (-0.2, 0))
]
"""Best cosine first; some tie."""


def package(workspace: Workspace, vector_type: str) -> ServedModel:
    workspace.set("package", vector_type=vector_type)
    packed(workspace)
    return read_manifest(workspace.application).application.models[0]


def fused(judge: Judge, workspace: Workspace, profile: str, features: Features) -> dict[str, float]:
    """Scores of the hits by their number, best first."""
    rows = [
        {"score": cosine, "features": {"cosine": cosine, "lexical": lexical}}
        for cosine, lexical in features
    ]
    found = judge.ranked(workspace.application, profile, rows)
    return {str(row): score for row, score in found}


def parts(features: Features) -> list[dict[str, float]]:
    return [{str(row): each[side] for row, each in enumerate(features)} for side in (0, 1)]


@pytest.mark.parametrize("weight", [0.0, 0.3, 0.8, 1.0])
def test_hybrid_weighs_scores_scaled_over_the_hits(
    workspace: Workspace, judge: Judge, weight: float
) -> None:
    model = package(replace(workspace, dense_weight=weight), "float")
    equal: Features = [(0.5, 2.0)] * 3
    for features in (FEATURES, equal, FEATURES[:1]):
        found = fused(judge, workspace, f"hybrid_{model.label}", features)
        left, right = parts(features)
        assert found == pytest.approx(weighted(left, right, weight, 1 - weight))
        assert list(found.values()) == sorted(found.values(), reverse=True)


def test_hybrid_by_hand(workspace: Workspace, judge: Judge) -> None:
    model = package(workspace, "float")
    features: Features = [(0.9, 1.0), (0.5, 3.0), (0.1, 2.0)]
    found = fused(judge, workspace, f"hybrid_{model.label}", features)
    assert found == pytest.approx({"0": 0.8, "1": 0.4 + 0.2, "2": 0.1})


def test_rrf_adds_reciprocal_ranks(workspace: Workspace, judge: Judge) -> None:
    model = package(workspace, "float")
    for features in (FEATURES, [(0.5, 2.0)] * 3):
        found = fused(judge, workspace, f"rrf_{model.label}", features)
        assert found == pytest.approx(reciprocal_ranks(*parts(features)), rel=1e-9)
    by_hand = fused(judge, workspace, f"rrf_{model.label}", [(0.9, 1.0), (0.5, 3.0)])
    assert by_hand == pytest.approx({"0": 1 / 61 + 1 / 62, "1": 1 / 62 + 1 / 61}, rel=1e-9)


def test_binary_finds_by_bits_and_ranks_by_numbers(workspace: Workspace, judge: Judge) -> None:
    model = package(workspace, "binary")
    random = np.random.default_rng(1)
    query, *documents = random.normal(size=(21, 16)).astype(np.float32)
    query /= np.linalg.norm(query)
    bits = pack(np.array(documents))
    profile = f"semantic_{model.label}"

    def asked(function: str, name: str, kind: str, cells: Any) -> list[float]:
        rows: list[dict[str, Any]] = [
            {
                f"query({name})": {"type": kind, "cells": cells.tolist()},
                f"attribute({model.field})": {
                    "type": str(model.profile.tensor),
                    "cells": each.view(np.int8).tolist(),
                },
            }
            for each in bits
        ]
        return judge.values(workspace.application, profile, function, rows)

    inputs = model.profile.inputs
    own = pack(query[None])[0].view(np.int8)
    first = asked("firstphase", "q_bits", str(inputs["q_bits"]), own)
    second = asked("secondphase", "q", str(inputs["q"]), query)
    assert first == pytest.approx(binary_scores(query[None], bits, 0)[0], abs=1e-6)
    assert second == pytest.approx(binary_scores(query[None], bits, len(bits))[0], abs=1e-6)
    assert max(first) < min(second)


@pytest.mark.parametrize("vector_type", ["float", "bfloat16"])
def test_semantic_ranks_by_the_cosine(workspace: Workspace, judge: Judge, vector_type: str) -> None:
    model = package(workspace, vector_type)
    query, document = np.random.default_rng(1).normal(size=(2, 16)).astype(np.float32)
    rows = [
        {
            "query(q)": {"type": str(model.profile.inputs["q"]), "cells": query.tolist()},
            f"attribute({model.field})": {
                "type": str(model.profile.tensor),
                "cells": document.tolist(),
            },
        }
    ]
    (found,) = judge.values(workspace.application, f"semantic_{model.label}", "firstphase", rows)
    cosine = query @ document / np.linalg.norm(query) / np.linalg.norm(document)
    assert found == pytest.approx(float(cosine), abs=1e-2 if vector_type == "bfloat16" else 1e-6)
