"""Deployments after documents changed, came or went."""

from typing import Any

from stages.operate.rollback import main as rollback_main
from tests.vespa.deployments import (
    answers,
    command,
    deploy,
    field_of,
    force,
    live,
    packed,
    receipt,
    stays,
)
from tests.vespa.standin import StandIn
from tests.vespa.workspace import TEXTS, Workspace, check, write_texts


def test_fed_vectors_survive_a_swap_and_a_change_of_the_corpus(
    workspace: Workspace, vespa: StandIn
) -> None:
    workspace.set("package", vectors="fed")
    old = packed(workspace)
    check(deploy(workspace))
    assert vespa.requests["reindex"] == 0
    assert vespa.requests["write"] == 2 * len(TEXTS)
    assert not vespa.container.serving.fields[field_of(old)].embedder  # type: ignore[union-attr]
    new = packed(workspace, seed=2)
    check(force(workspace))
    assert live(vespa) == new
    assert all(len(each) == len(TEXTS) for each in vespa.container.vectors.values())
    check(command(workspace, rollback_main))
    assert live(vespa) == old
    assert answers(vespa)


def test_changed_corpus_updates_removes_and_adds(workspace: Workspace, vespa: StandIn) -> None:
    packed(workspace)
    check(deploy(workspace))
    texts = dict(TEXTS) | {"z9": ("New", "a new agent for the laptop")}
    del texts["e1"]
    texts["d2"] = ("Keys", "keys never leave the vault")
    write_texts(workspace, texts)
    workspace.embed()
    packed(workspace)
    check(deploy(workspace))
    stored = {each["doc_id"]: each["text"] for each in vespa.container.documents.values()}
    assert stored == {doc_id: text for doc_id, (_, text) in texts.items()}
    assert receipt(workspace)["parity"]["overlap"] == 1.0


def test_documents_are_fed_again_in_another_language(workspace: Workspace, vespa: StandIn) -> None:
    packed(workspace)
    check(deploy(workspace))
    check(deploy(workspace))
    assert vespa.requests["write"] == len(TEXTS), "fed twice in the same language"
    workspace.set("bm25", language="none")
    packed(workspace)
    check(deploy(workspace))
    assert vespa.requests["write"] == 2 * len(TEXTS)
    assert receipt(workspace)["parity"]["overlap"] == 1.0


def use(workspace: Workspace, texts: dict[str, tuple[str, str]]) -> None:
    """Makes these the workspace's corpus."""
    write_texts(workspace, texts)
    workspace.embed()


def stored_texts(vespa: StandIn) -> dict[str, tuple[str, str]]:
    return {each["doc_id"]: (each["title"], each["text"]) for each in documents(vespa)}


def documents(vespa: StandIn) -> list[dict[str, Any]]:
    return list(vespa.container.documents.values())


def test_corpus_that_came_half_way_passes_for_none(workspace: Workspace, vespa: StandIn) -> None:
    workspace.set("package", vectors="fed")
    packed(workspace)
    check(deploy(workspace))
    use(workspace, TEXTS | {"d2": ("Keys", "keys never leave the vault")})
    packed(workspace)

    def fill(step: str) -> None:  # up, once the texts are in
        vespa.full = step == "write" and vespa.requests["write"] > 3 * len(TEXTS)

    vespa.hook = fill
    stays(workspace, vespa, "disk or memory is full")
    assert stored_texts(vespa)["d2"] != TEXTS["d2"]
    vespa.hook, vespa.full = lambda _step: None, False
    use(workspace, TEXTS)  # the change was not meant
    packed(workspace)
    check(deploy(workspace))
    assert stored_texts(vespa) == TEXTS


def test_document_that_was_gone_gets_its_vectors_again(
    workspace: Workspace, vespa: StandIn
) -> None:
    workspace.set("package", vectors="fed")
    old = packed(workspace)
    check(deploy(workspace))
    use(workspace, {doc_id: text for doc_id, text in TEXTS.items() if doc_id != "e1"})
    packed(workspace, seed=2)
    check(force(workspace))
    use(workspace, TEXTS)
    workspace.write_model(1)
    assert packed(workspace) == old
    check(force(workspace))
    assert live(vespa) == old
    assert len(vespa.container.vectors[field_of(old)]) == len(TEXTS)


def test_package_of_another_name_does_not_double_the_documents(
    workspace: Workspace, vespa: StandIn
) -> None:
    packed(workspace)
    check(deploy(workspace))
    workspace.set("package", name="other")
    packed(workspace)
    stays(workspace, vespa, "8 documents there have another name than id:other:doc::.*package.name")
    assert len(vespa.container.documents) == len(TEXTS)
