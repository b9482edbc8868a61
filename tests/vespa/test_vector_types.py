"""Every way to store a vector: what Vespa finds is what the arithmetic here says it should."""

import json
import re
from dataclasses import replace
from typing import Any

import pytest

from stages.lib.params import read_params
from tests.vespa.deployments import deploy, live, packed, receipt
from tests.vespa.project import TEXTS, WORDS, Project, check, write_texts
from tests.vespa.standin import StandIn

KINDS = [
    ("float", 0, "tensor<float>(x[16])"),
    ("bfloat16", 8, "tensor<bfloat16>(x[8])"),
    ("binary", 0, "tensor<int8>(x[2])"),
    ("binary", 8, "tensor<int8>(x[1])"),
]


@pytest.mark.parametrize("filling", ["vespa", "fed"])
@pytest.mark.parametrize(("kind", "dimensions", "tensor"), KINDS)
def test_vespa_ranks_as_the_same_arithmetic_here(
    project: Project, vespa: StandIn, kind: str, dimensions: int, tensor: str, filling: str
) -> None:
    texts = {f"m{n:02}": ("", " ".join(sorted(WORDS)[n : n + 7])) for n in range(40)}
    write_texts(project, texts)  # more than the ten that are compared
    project.embed()
    project.set("package", vector_type=kind, dimensions=dimensions, vectors=filling, targets=20)
    label = packed(project)
    check(deploy(project))
    assert live(vespa) == label
    serving = vespa.container.serving
    assert serving is not None
    (field,) = serving.fields.values()
    assert str(field.type) == tensor
    assert field.metric == ("hamming" if kind == "binary" else "prenormalized-angular")
    (stored,) = vespa.container.vectors.values()
    assert len(stored) == len(texts)
    parity = receipt(project)["parity"]
    assert parity["overlap"] >= 0.9  # ties by Hamming distance alone may fall otherwise
    assert parity["score_gap"] < 0.02
    assert parity["hybrid_overlap"] >= 0.9


def test_binary_answers_are_re_ranked_by_the_querys_own_numbers(
    project: Project, vespa: StandIn
) -> None:
    project.set("package", vector_type="binary", profile="semantic")
    packed(project)
    check(deploy(project))
    hits = vespa.container.search({"query": "restore the files"})["root"]["children"]
    scores = [hit["relevance"] for hit in hits]
    assert len(hits) == len(TEXTS)
    assert all(-1 <= score <= 1 for score in scores)  # none is left with the first phase's
    assert any(8 * score % 1 for score in scores)  # shares of 16 signs would be eighths


def test_what_is_not_re_ranked_stays_below(project: Project, vespa: StandIn) -> None:
    project.set("package", vector_type="binary", profile="semantic")
    packed(project)
    check(deploy(project))
    request = {"query": "restore the files", "ranking.rerankCount": 2}
    hits = vespa.container.search(request)["root"]["children"]
    scores = [hit["relevance"] for hit in hits]
    assert all(-1 <= score <= 1 for score in scores[:2])
    assert all(score < -1 for score in scores[2:])


def test_no_other_vector_type_takes_the_name_of_a_field(project: Project) -> None:
    labels = set()
    for kind, dimensions, _ in KINDS:
        project.set("package", vector_type=kind, dimensions=dimensions)
        labels.add(packed(project))
    assert len(labels) == len(KINDS)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"dimensions": 17}, "package.dimensions: 17, but .*onnx has 16; lower it, or set 0"),
        ({"dimensions": 12, "vector_type": "binary"}, "params.yaml: package: .*multiple of 8"),
    ],
)
def test_dimensions_that_cannot_be_kept_are_refused(
    project: Project, changes: dict[str, Any], message: str
) -> None:
    project.set("package", **changes)
    result = project.package()
    assert result.exit_code == 1
    assert re.search(message, result.output), result.output
    assert not (project.folder / "package").exists()


def test_model_whose_dimensions_do_not_fill_bytes_is_refused(project: Project) -> None:
    project.write_model(seed=1, dimension=12)
    project.set("package", vector_type="binary")
    result = project.package()
    assert result.exit_code == 1
    assert "12 dimensions do not fill bytes; set package.dimensions to 8" in result.output


def test_hybrid_takes_the_weight_that_was_chosen_on_dev(project: Project, vespa: StandIn) -> None:
    project.set("fusion", dense_weight=0.1)
    old = packed(project)
    schemas = project.application / "schemas" / "doc"
    text = (schemas / f"hybrid_{old}.profile").read_text(encoding="utf-8")
    assert "0.8 * normalize_linear(cosine) + 0.2 * normalize_linear(lexical)" in text
    check(deploy(project))
    fields = dict(vespa.container.vectors)
    project.set("deploy", max_loss=1.0)
    new = packed(replace(project, dense_weight=0.65))
    writes = vespa.requests["write"], vespa.requests["reindex"]
    check(deploy(project))
    assert live(vespa) == new
    assert receipt(project)["previous"] == old  # another weight is a swap, with a way back
    assert (vespa.requests["write"], vespa.requests["reindex"]) == writes
    assert vespa.container.vectors.keys() == fields.keys()
    metrics = json.loads((project.folder / "metrics" / "package.json").read_text(encoding="utf-8"))
    assert metrics["dense_weight"] == 0.65
    assert read_params(project.folder / "params.yaml").fusion.dense_weight == 0.1
