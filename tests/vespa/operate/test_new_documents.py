"""Documents that somebody else feeds, between two deployments."""

from typing import Any

import httpx
import numpy as np

from stages.lib.encoding.encoder import encode, load_encoder
from stages.lib.vespa.package.manifest import read_manifest
from stages.operate.rollback import main as rollback_main
from tests.vespa.deployments import answers, command, deploy, live, packed
from tests.vespa.standin import StandIn
from tests.vespa.workspace import TEXTS, Workspace, check

TEXT = "restore files from a snapshot of the vault"


def put(vespa: StandIn, doc_id: str, text: str) -> None:
    """What an application sends."""
    fields = {"doc_id": doc_id, "title": "", "text": text}
    url = f"{vespa.url}/document/v1/embedsmith/doc/docid/{doc_id}"
    assert httpx.post(url, json={"fields": fields}).is_success


def stored(vespa: StandIn, workspace: Workspace) -> dict[str, Any]:
    (model,) = read_manifest(workspace.application).application.models
    return vespa.container.vectors[model.field]


def test_a_new_document_is_embedded_and_found_and_fed_vectors_stay(
    workspace: Workspace, vespa: StandIn
) -> None:
    workspace.set("package", vectors="fed", embed_new=True)
    packed(workspace)
    check(deploy(workspace))
    before = {id: vector.copy() for id, vector in stored(vespa, workspace).items()}
    assert len(before) == len(TEXTS)
    assert vespa.requests["reindex"] == 0
    put(vespa, "z9", TEXT)
    after = stored(vespa, workspace)
    for id, vector in before.items():
        assert np.array_equal(after[id], vector)
    model = load_encoder(workspace.folder / "tuned", workspace.params.encoder)
    own = encode(model, [TEXT], "")[0]
    assert float(own @ after["id:embedsmith:doc::z9"]) > 0.999
    assert "z9" in answers(vespa)
    # the embedder is the one of the documents that are fed, so that both lie in one space
    put(vespa, "a1", " ".join(TEXTS["a1"]).strip())
    moved = stored(vespa, workspace)["id:embedsmith:doc::a1"]
    assert float(moved @ before["id:embedsmith:doc::a1"]) > 0.999


def test_the_next_model_embeds_them_too(workspace: Workspace, vespa: StandIn) -> None:
    workspace.set("package", vectors="fed", embed_new=True)
    workspace.set("deploy", max_loss=1.0)
    packed(workspace)
    check(deploy(workspace))
    put(vespa, "z9", TEXT)
    new = packed(workspace, seed=2)
    check(deploy(workspace))
    assert live(vespa) == new
    assert len(stored(vespa, workspace)) == len(TEXTS) + 1
    assert vespa.requests["reindex"] == 1


def test_without_the_embedder_a_new_document_waits(workspace: Workspace, vespa: StandIn) -> None:
    workspace.set("package", vectors="fed")
    old = packed(workspace)
    check(deploy(workspace))
    put(vespa, "z9", TEXT)
    assert len(stored(vespa, workspace)) == len(TEXTS)
    # BM25 finds it all the same
    assert "z9" in answers(vespa)
    # nor does it stand in the way of the next model, or of the way back
    workspace.set("deploy", max_loss=1.0)
    new = packed(workspace, seed=2)
    check(deploy(workspace))
    assert live(vespa) == new
    check(command(workspace, rollback_main))
    assert live(vespa) == old
