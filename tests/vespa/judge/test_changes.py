"""What Vespa demands of each change that deploying, rolling back, pruning and indexing make."""

from pathlib import Path

import pytest

from stages.operate.index import main as index_main
from stages.operate.prune import main as prune_main
from stages.operate.rollback import main as rollback_main
from tests.vespa.certificates import certificates
from tests.vespa.deployments import command, deploy, packed
from tests.vespa.judge import Judge
from tests.vespa.racing import COMMANDS, Race
from tests.vespa.standin import StandIn
from tests.vespa.standin.change import check_change
from tests.vespa.workspace import ROOT, TEXTS, Workspace, check, invoke, write_texts


def unpacked(vespa: StandIn, folder: Path) -> list[Path]:
    """What was deployed so far, a folder a deployment, with the certificate that Cloud wants."""
    certificates(folder)
    certificate = (folder / "client.pem").read_bytes()
    folders = []
    for number, package in enumerate(vespa.sessions):
        folders.append(folder / f"session{number}")
        files = package.files | {"security/clients.pem": certificate}
        for name, content in files.items():
            path = folders[-1] / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
    return folders


def index(workspace: Workspace) -> None:
    arguments = {
        "--corpus": workspace.corpus,
        "--vectors": "vectors",
        "--templates": ROOT / "application-package",
    }
    check(invoke(index_main, workspace, arguments))


def live_long(workspace: Workspace) -> None:
    """Everything that is done to an installation, in a row."""
    workspace.set("deploy", max_loss=1.0)
    packed(workspace)
    check(deploy(workspace))
    packed(workspace, seed=2)
    check(deploy(workspace))
    check(command(workspace, rollback_main))
    index(workspace)
    workspace.set("package", vector_type="binary", hnsw_links=24, hnsw_explore=100)
    packed(workspace)
    check(deploy(workspace))
    workspace.set("package", dimensions=8, profile="rrf", targets=50)
    workspace.set("bm25", k1=0.9)
    packed(Workspace(workspace.folder, dense_weight=0.3))
    check(deploy(workspace))
    write_texts(workspace, dict(list(TEXTS.items())[1:]))
    workspace.embed()
    packed(workspace)
    check(deploy(workspace))
    index(workspace)
    check(command(workspace, prune_main))


@pytest.mark.parametrize(("filling", "nodes"), [("fed", "cloud-gpu"), ("vespa", "local")])
def test_nothing_is_demanded_but_the_reindexing_that_a_deployment_carries_out(
    workspace: Workspace, vespa: StandIn, judge: Judge, tmp_path: Path, nodes: str, filling: str
) -> None:
    steps: list[str] = []
    vespa.hook = steps.append
    workspace.set("package", nodes=nodes, vectors=filling)
    live_long(workspace)
    folders = unpacked(vespa, tmp_path)
    demands = judge.changes(folders, hosted=nodes != "local")
    done = [step for step in steps if step in {"deploy", "reindex"}]
    after = "".join("r" if step == "reindex" else "d" for step in done).split("d")[1:]
    for demanded, carried_out, before, package in zip(
        demands, after, [None, *vespa.sessions], vespa.sessions, strict=False
    ):
        assert {each.type for each in demanded} == ({"reindex"} if carried_out else set())
        actions = check_change(before, package) if before else []
        messages = [f"Document type 'doc': {each}" for row in actions for each in row["messages"]]
        assert messages == [each.message for each in demanded]
    assert len(demands) == len(vespa.sessions) > 10
    assert sum(map(bool, demands)) == (3 if filling == "vespa" else 0)


def test_embedding_new_documents_demands_nothing_that_deploying_does_not_do(
    workspace: Workspace, vespa: StandIn, judge: Judge, tmp_path: Path
) -> None:
    workspace.set("package", vectors="fed")
    workspace.set("deploy", max_loss=1.0)
    packed(workspace)
    check(deploy(workspace))
    workspace.set("package", embed_new=True)
    packed(workspace)
    check(deploy(workspace))
    check(command(workspace, rollback_main))
    check(command(workspace, prune_main))
    demands = judge.changes(unpacked(vespa, tmp_path))
    # feeding the vectors fills the field that Vespa would have re-indexed
    assert [each.type for row in demands for each in row] == ["reindex"]
    assert vespa.requests["reindex"] == 0


@pytest.mark.parametrize(
    ("first", "second", "at"),
    [("deploy", "rollback", 0.9), ("deploy", "prune", 0.5), ("index", "deploy", 0.6)],
)
def test_what_two_commands_at_once_leave_is_changed_like_anything_else(
    workspace: Workspace,
    vespa: StandIn,
    judge: Judge,
    tmp_path: Path,
    first: str,
    second: str,
    at: float,
) -> None:
    workspace.set("package", vectors="fed")
    workspace.set("deploy", max_loss=1.0)
    for seed in (1, 2):
        packed(workspace, seed)
        check(deploy(workspace))
    packed(workspace, seed=3)
    race = Race(vespa)
    steps = len(race.requests(COMMANDS[first], workspace))
    found = race.run(
        COMMANDS[first], workspace, int(at * steps), COMMANDS[second], workspace, False
    )
    assert found.second, found
    assert not found.faults
    check(deploy(workspace))
    demands = judge.changes(unpacked(vespa, tmp_path))
    assert len(demands) == len(vespa.sessions)
    assert not any(demands)
