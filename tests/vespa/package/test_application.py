"""What deploying, rolling back, pruning and indexing make of an application, without Vespa."""

from pathlib import Path

import pytest

from stages.lib.core.files import write_json
from stages.lib.errors import UserError
from stages.lib.export.embedder import Embedder
from stages.lib.vespa.package.application import Application
from stages.lib.vespa.package.lease import new_lease
from stages.lib.vespa.package.manifest import MANIFEST, Manifest, read_manifest
from stages.lib.vespa.package.served import ServedModel
from stages.lib.vespa.package.tower import Tower
from stages.lib.vespa.search.profile import Profile, Tensor

INDEX = Profile("999999999999_index", "embedding_999999999999_float_fed", "float", 16)


def served(name: str) -> ServedModel:
    settings = Embedder(
        variant="fp32",
        dimension=16,
        max_tokens=64,
        pooling="mean",
        normalize=True,
        query_prefix="",
        document_prefix="",
        token_type_ids=False,
        output="last_hidden_state",
    )
    tower = Tower(name * 12, settings)
    return ServedModel(tower, tower, "bfloat16", 16, "vespa", dense_weight=0.8)


A, B, C = map(served, "abc")


def labels(application: Application) -> list[str]:
    return [model.label for model in application.models]


def test_first_model_serves_at_once_and_the_next_one_waits() -> None:
    first = Application().adding(A)
    assert (first.live, first.previous) == (A.label, None)
    staged = first.adding(B)
    assert (staged.live, labels(staged)) == (A.label, [A.label, B.label])
    swapped = staged.serving(B.label)
    assert (swapped.live, swapped.previous) == (B.label, A.label)
    back = swapped.serving(A.label)
    assert (back.live, back.previous) == (A.label, B.label)


def test_third_model_pushes_out_the_one_that_is_neither_live_nor_the_way_back() -> None:
    swapped = Application().adding(A).adding(B).serving(B.label)
    staged = swapped.adding(C)
    assert labels(staged) == [A.label, B.label, C.label]
    assert labels(staged.serving(C.label)) == [B.label, C.label]
    # and what was fed to its field goes with the field, should it come again
    fed = {model.field: "0" * 16 for model in (A, B, C)}
    after = staged.knowing(fed).serving(C.label)
    assert after.fed == {name: fed[name] for name in sorted((B.field, C.field))}


def test_indexes_serve_nobody_and_stay_until_pruned() -> None:
    indexed = Application().indexing((INDEX,))
    assert indexed.live is None
    swapped = indexed.adding(A)
    assert (swapped.live, swapped.previous) == (A.label, None)
    assert swapped.indexes == (INDEX,)
    assert swapped.towers().keys() == {A.query.hash}
    assert swapped.pruned() == Application().adding(A)
    assert indexed.pruned() == Application()


def test_a_field_that_is_gone_has_lost_what_was_fed_to_it() -> None:
    fed = {"documents": "1", INDEX.field: "2"}
    indexed = Application().indexing((INDEX,)).knowing(fed)
    assert indexed.fed == fed
    assert indexed.knowing({"other": "3"}).fed == fed
    assert indexed.indexing(()).fed == {"documents": "1"}
    assert indexed.forgetting({"documents": "1", INDEX.field: "new"}).fed == {"documents": "1"}
    assert indexed.forgetting({"documents": "new"}).fed == {}


def test_manifest_comes_back_as_it_was(tmp_path: Path) -> None:
    application = Application().adding(A).adding(B).serving(B.label).indexing((INDEX,))
    application = application.knowing({"documents": "0123456789abcdef-english"})
    manifest = Manifest(application, new_lease("deploy", 1e9), "0123456789abcdef")
    write_json(tmp_path / MANIFEST, manifest.as_dict())
    assert read_manifest(tmp_path) == manifest
    write_json(tmp_path / MANIFEST, {"generations": []})
    with pytest.raises(UserError, match="not a manifest of this version; deploy to a fresh"):
        read_manifest(tmp_path)


def test_bits_are_found_by_their_signs_and_ranked_by_numbers() -> None:
    bits = Profile("label", "field", "binary", 16)
    assert bits.near == "q_bits"
    assert bits.inputs == {"q": Tensor("float", 16), "q_bits": Tensor("int8", 2)}
    assert str(bits.tensor) == "tensor<int8>(x[2])"
    assert bits.metric == "hamming"
    assert INDEX.near == "q"
    assert INDEX.inputs == {"q": Tensor("float", 16)}
    assert Profile("label", "field", "float", 16, unit=False).metric == "angular"
