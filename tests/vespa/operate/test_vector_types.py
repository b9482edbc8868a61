"""Every way to store a vector: what Vespa finds is what the arithmetic here says it should."""

import json
import re
from dataclasses import replace
from typing import Any

import pytest

from stages.lib.params import read_params
from tests.vespa.deployments import deploy, live, packed, receipt
from tests.vespa.standin import StandIn
from tests.vespa.workspace import TEXTS, WORDS, Workspace, check, write_texts

KINDS = [
    ("float", 0, "tensor<float>(x[16])"),
    ("bfloat16", 8, "tensor<bfloat16>(x[8])"),
    ("binary", 0, "tensor<int8>(x[2])"),
    ("binary", 8, "tensor<int8>(x[1])"),
]


@pytest.mark.parametrize("filling", ["vespa", "fed"])
@pytest.mark.parametrize(("kind", "dimensions", "tensor"), KINDS)
def test_vespa_ranks_as_the_same_arithmetic_here(
    workspace: Workspace, vespa: StandIn, kind: str, dimensions: int, tensor: str, filling: str
) -> None:
    texts = {f"m{n:02}": ("", " ".join(sorted(WORDS)[n : n + 7])) for n in range(40)}
    write_texts(workspace, texts)  # more than the ten that are compared
    workspace.embed()
    workspace.set("package", vector_type=kind, dimensions=dimensions, vectors=filling, targets=20)
    label = packed(workspace)
    check(deploy(workspace))
    assert live(vespa) == label
    serving = vespa.container.serving
    assert serving is not None
    (field,) = serving.fields.values()
    assert str(field.type) == tensor
    assert field.metric == ("hamming" if kind == "binary" else "prenormalized-angular")
    (stored,) = vespa.container.vectors.values()
    assert len(stored) == len(texts)
    parity = receipt(workspace)["parity"]
    assert parity["overlap"] >= 0.9  # ties by Hamming distance alone may fall otherwise
    assert parity["score_gap"] < 0.02
    # z-scores over the corpus here, min-max over the hits there, whose arithmetic the judge checks:
    # where every text has the same frequent words, five of forty places differ
    assert parity["hybrid_overlap"] >= 35 / 40


def test_binary_answers_are_re_ranked_by_the_querys_own_numbers(
    workspace: Workspace, vespa: StandIn
) -> None:
    workspace.set("package", vector_type="binary", profile="semantic")
    packed(workspace)
    check(deploy(workspace))
    hits = vespa.container.search({"query": "restore the files"})["root"]["children"]
    scores = [hit["relevance"] for hit in hits]
    assert len(hits) == len(TEXTS)
    assert all(-1 <= score <= 1 for score in scores)  # none is left with the first phase's
    assert any(8 * score % 1 for score in scores)  # shares of 16 signs would be eighths


def test_what_is_not_re_ranked_stays_below(workspace: Workspace, vespa: StandIn) -> None:
    workspace.set("package", vector_type="binary", profile="semantic")
    packed(workspace)
    check(deploy(workspace))
    request = {"query": "restore the files", "ranking.rerankCount": 2}
    hits = vespa.container.search(request)["root"]["children"]
    scores = [hit["relevance"] for hit in hits]
    assert all(-1 <= score <= 1 for score in scores[:2])
    assert all(score < -1 for score in scores[2:])


def test_no_other_vector_type_takes_the_name_of_a_field(workspace: Workspace) -> None:
    labels = set()
    for kind, dimensions, _ in KINDS:
        workspace.set("package", vector_type=kind, dimensions=dimensions)
        labels.add(packed(workspace))
    assert len(labels) == len(KINDS)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"dimensions": 17}, "package.dimensions: 17, but .*onnx has 16; lower it, or set 0"),
        ({"dimensions": 12, "vector_type": "binary"}, "params.yaml: package: .*multiple of 8"),
    ],
)
def test_dimensions_that_cannot_be_kept_are_refused(
    workspace: Workspace, changes: dict[str, Any], message: str
) -> None:
    workspace.set("package", **changes)
    result = workspace.package()
    assert result.exit_code == 1
    assert re.search(message, result.output), result.output
    assert not (workspace.folder / "package").exists()


def test_model_whose_dimensions_do_not_fill_bytes_is_refused(workspace: Workspace) -> None:
    workspace.write_model(seed=1, dimension=12)
    workspace.set("package", vector_type="binary")
    result = workspace.package()
    assert result.exit_code == 1
    assert "12 dimensions do not fill bytes; set package.dimensions to 8" in result.output


def test_hybrid_takes_the_weight_that_was_chosen_on_dev(
    workspace: Workspace, vespa: StandIn
) -> None:
    workspace.set("fusion", dense_weight=0.1)
    old = packed(workspace)
    schemas = workspace.application / "schemas" / "doc"
    text = (schemas / f"hybrid_{old}.profile").read_text(encoding="utf-8")
    assert "0.8 * normalize_linear(cosine) + 0.2 * normalize_linear(lexical)" in text
    check(deploy(workspace))
    fields = dict(vespa.container.vectors)
    workspace.set("deploy", max_loss=1.0)
    new = packed(replace(workspace, dense_weight=0.65))
    writes = vespa.requests["write"], vespa.requests["reindex"]
    check(deploy(workspace))
    assert live(vespa) == new
    assert receipt(workspace)["previous"] == old  # another weight is a swap, with a way back
    assert (vespa.requests["write"], vespa.requests["reindex"]) == writes
    assert vespa.container.vectors.keys() == fields.keys()
    metrics = json.loads(
        (workspace.folder / "metrics" / "package.json").read_text(encoding="utf-8")
    )
    assert metrics["dense_weight"] == 0.65
    assert read_params(workspace.folder / "params.yaml").fusion.dense_weight == 0.1
