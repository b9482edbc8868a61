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
from tests.vespa.project import TEXTS, Project, check, write_texts
from tests.vespa.standin import StandIn


def test_fed_vectors_survive_a_swap_and_a_change_of_the_corpus(
    project: Project, vespa: StandIn
) -> None:
    project.set("package", vectors="fed")
    old = packed(project)
    check(deploy(project))
    assert vespa.requests["reindex"] == 0
    assert vespa.requests["write"] == 2 * len(TEXTS)
    assert not vespa.container.serving.fields[field_of(old)].embedder  # type: ignore[union-attr]
    new = packed(project, seed=2)
    check(force(project))
    assert live(vespa) == new
    assert all(len(each) == len(TEXTS) for each in vespa.container.vectors.values())
    check(command(project, rollback_main))
    assert live(vespa) == old
    assert answers(vespa)


def test_changed_corpus_updates_removes_and_adds(project: Project, vespa: StandIn) -> None:
    packed(project)
    check(deploy(project))
    texts = dict(TEXTS) | {"z9": ("New", "a new agent for the laptop")}
    del texts["e1"]
    texts["d2"] = ("Keys", "keys never leave the vault")
    write_texts(project, texts)
    project.embed()
    packed(project)
    check(deploy(project))
    stored = {each["doc_id"]: each["text"] for each in vespa.container.documents.values()}
    assert stored == {doc_id: text for doc_id, (_, text) in texts.items()}
    assert receipt(project)["parity"]["overlap"] == 1.0


def test_documents_are_fed_again_in_another_language(project: Project, vespa: StandIn) -> None:
    packed(project)
    check(deploy(project))
    check(deploy(project))
    assert vespa.requests["write"] == len(TEXTS), "fed twice in the same language"
    project.set("bm25", language="none")
    packed(project)
    check(deploy(project))
    assert vespa.requests["write"] == 2 * len(TEXTS)
    assert receipt(project)["parity"]["overlap"] == 1.0


def use(project: Project, texts: dict[str, tuple[str, str]]) -> None:
    """Makes these the project's corpus."""
    write_texts(project, texts)
    project.embed()


def stored_texts(vespa: StandIn) -> dict[str, tuple[str, str]]:
    return {each["doc_id"]: (each["title"], each["text"]) for each in documents(vespa)}


def documents(vespa: StandIn) -> list[dict[str, Any]]:
    return list(vespa.container.documents.values())


def test_corpus_that_came_half_way_passes_for_none(project: Project, vespa: StandIn) -> None:
    project.set("package", vectors="fed")
    packed(project)
    check(deploy(project))
    use(project, TEXTS | {"d2": ("Keys", "keys never leave the vault")})
    packed(project)

    def fill(step: str) -> None:  # up, once the texts are in
        vespa.full = step == "write" and vespa.requests["write"] > 3 * len(TEXTS)

    vespa.hook = fill
    stays(project, vespa, "disk or memory is full")
    assert stored_texts(vespa)["d2"] != TEXTS["d2"]
    vespa.hook, vespa.full = lambda _step: None, False
    use(project, TEXTS)  # the change was not meant
    packed(project)
    check(deploy(project))
    assert stored_texts(vespa) == TEXTS


def test_document_that_was_gone_gets_its_vectors_again(project: Project, vespa: StandIn) -> None:
    project.set("package", vectors="fed")
    old = packed(project)
    check(deploy(project))
    use(project, {doc_id: text for doc_id, text in TEXTS.items() if doc_id != "e1"})
    packed(project, seed=2)
    check(force(project))
    use(project, TEXTS)
    project.write_model(1)
    assert packed(project) == old
    check(force(project))
    assert live(vespa) == old
    assert len(vespa.container.vectors[field_of(old)]) == len(TEXTS)


def test_package_of_another_name_does_not_double_the_documents(
    project: Project, vespa: StandIn
) -> None:
    packed(project)
    check(deploy(project))
    project.set("package", name="other")
    packed(project)
    stays(project, vespa, "8 documents there have another name than id:other:doc::.*package.name")
    assert len(vespa.container.documents) == len(TEXTS)
