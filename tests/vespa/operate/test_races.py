"""Deploying, rolling back, pruning and indexing while another of them is under way.

tests/bench/races.py holds every pair at every request; here are the requests around which state is
read, compared and exchanged.
"""

import json
import re
import shutil
import threading
import time
from pathlib import Path
from typing import Any

import psutil
import pytest

from stages.lib.errors import UserError
from stages.lib.vespa.operate.feeder import feed
from stages.lib.vespa.package.lease import new_lease
from stages.lib.vespa.search.connection import Connection, Credentials
from tests.vespa.deployments import answers, deploy, field_of, live, packed, write_manifest
from tests.vespa.racing import COMMANDS, Race
from tests.vespa.standin import StandIn
from tests.vespa.standin.package import manifest
from tests.vespa.workspace import TEXTS, Workspace, check


@pytest.fixture
def installed(
    workspace: Workspace,
    vespa: StandIn,  # noqa: ARG001 - where they are deployed to
    tmp_path: Path,
) -> tuple[Workspace, Workspace]:
    """Two models deployed one after the other; a workspace with the second one, and a third's."""
    workspace.set("package", vectors="fed")
    workspace.set("deploy", max_loss=1.0)
    packed(workspace)
    check(deploy(workspace))
    other = Workspace(Path(shutil.copytree(workspace.folder, tmp_path / "other")))
    packed(workspace, seed=2)
    check(deploy(workspace))
    packed(other, seed=3)
    return workspace, other


POINTS = [
    # before which request of the first command the second one runs
    ("deploy", "write", 1, "rollback"),
    ("deploy", "application", 4, "deploy"),
    ("deploy", "deploy", 2, "prune"),
    ("rollback", "deploy", 1, "prune"),
    ("index", "deploy", 2, "prune"),
]


def test_whoever_comes_between_is_noticed_though_no_lease_keeps_them_out(
    installed: tuple[Workspace, Workspace], vespa: StandIn
) -> None:
    workspace, other = installed
    race = Race(vespa)
    steps = {name: race.requests(COMMANDS[name], other) for name in {first for first, *_ in POINTS}}
    for first, step, number, second in POINTS:
        at = [index for index, each in enumerate(steps[first]) if each == step][number - 1]
        found = race.run(COMMANDS[first], other, at, COMMANDS[second], workspace, leases=False)
        where = (first, step, number, second)
        assert not found.faults, where
        assert found.second == (0, found.second[1] if found.second else ""), (where, found)
        code, output = found.first
        last = output.strip().splitlines()[-1]
        assert code == 1, (where, found)
        assert "somebody else deployed meanwhile, so that this was left undone" in last, where
        assert len(vespa.container.vectors[field_of(live(vespa))]) == len(TEXTS), where
    check(deploy(other))  # and now alone
    assert len(vespa.container.vectors[field_of(live(vespa))]) == len(TEXTS)


def held(vespa: StandIn, **changes: Any) -> None:
    """Puts a lease into the manifest that is deployed."""
    row = manifest(vespa.sessions[-1])
    lease = {"command": "deploy", "host": "elsewhere", "pid": 7, "id": "0123456789abcdef"}
    row["lease"] = lease | {"until": int(time.time()) + 600} | changes
    write_manifest(vespa, row)


@pytest.mark.parametrize("name", COMMANDS)
def test_a_lease_keeps_others_out_and_says_whose_it_is(
    workspace: Workspace, vespa: StandIn, name: str
) -> None:
    packed(workspace)
    check(deploy(workspace))
    held(vespa)
    before = len(vespa.sessions), dict(vespa.container.writes)
    result = COMMANDS[name](workspace)
    assert result.exit_code == 1
    assert re.fullmatch(
        r"Error: http://\S+: make deploy \(process 7 on elsewhere, until [\d:]+ UTC\) changes what "
        r"is deployed; wait for its end, nothing was touched\n",
        result.output,
    )
    assert (len(vespa.sessions), dict(vespa.container.writes)) == before


def test_a_lease_that_has_ended_is_taken_over(workspace: Workspace, vespa: StandIn) -> None:
    packed(workspace)
    check(deploy(workspace))
    dead = new_lease("deploy", time.time() + 600)
    ended: list[dict[str, Any]] = [
        {"until": int(time.time()) - 1},
        {"host": dead.host, "pid": 2**22 + 1},  # no process has a higher number than 2**22
    ]
    for changes in ended:
        held(vespa, **changes)
        output = check(COMMANDS["prune"](workspace)).output
        assert "make deploy (process" in output
        assert "ended without an end; goes on from there" in output
        held(vespa, **changes)
        assert len(check(deploy(workspace)).output.strip().splitlines()) == 1
        assert manifest(vespa.sessions[-1])["lease"] is None


INDEX = {"label": "x/../y", "field": "z", "vector_type": "float", "dimension": 16, "unit": True}
BROKEN: list[tuple[Any, str]] = [
    (lambda row: row["models"][0]["query"].update(hash="../../etc"), "models.0.query.hash: "),
    (lambda row: row["models"][0].update(vectors="../up"), "models.0.vectors: "),
    (lambda row: row["fed"].update({"../x": "0123456789abcdef"}), "fed.../x: no hash of a feed"),
    (lambda row: row.update(live="a_b"), "live: no such model"),
    (lambda row: row.update(indexes=[INDEX]), "indexes.0: no name of an index"),
    (lambda row: row["ground"].update(nodes="../../secret"), "ground.nodes: "),
    (lambda row: row.update(revision='"/><x a="'), "revision: "),
]


def test_a_manifest_is_believed_only_in_its_own_form(workspace: Workspace, vespa: StandIn) -> None:
    packed(workspace)
    check(deploy(workspace))
    whole, before = json.dumps(manifest(vespa.sessions[-1])), len(vespa.sessions)
    for change, message in BROKEN:
        row = json.loads(whole)
        change(row)
        write_manifest(vespa, row)
        result = COMMANDS["rollback"](workspace)
        assert result.exit_code == 1, result.output
        assert message in result.output
        assert "embedsmith.json is not a manifest of this version" in result.output
        assert len(result.output.strip().splitlines()) == 1
    assert len(vespa.sessions) == before


def test_an_application_that_somebody_else_changed_is_left_alone(
    workspace: Workspace, vespa: StandIn
) -> None:
    packed(workspace)
    check(deploy(workspace))
    before = len(vespa.sessions), dict(vespa.container.writes), answers(vespa)

    def somebody(step: str) -> None:
        if step == "session":  # with the same manifest, by hand
            vespa.state.generation += 1
            vespa.hook = lambda _step: None

    vespa.hook = somebody
    result = COMMANDS["deploy"](workspace)
    assert result.exit_code == 1
    assert re.fullmatch(
        r"Error: http://\S+: somebody else deployed meanwhile, so that this was left undone; .+\n",
        result.output,
    )
    assert (len(vespa.sessions), dict(vespa.container.writes), answers(vespa)) == before
    assert manifest(vespa.sessions[-1])["lease"] is None


def test_vectors_that_are_gone_are_fed_again_whatever_the_manifest_says(
    workspace: Workspace, vespa: StandIn
) -> None:
    workspace.set("package", vectors="fed")
    label = packed(workspace)
    check(deploy(workspace))
    vespa.container.vectors[field_of(label)].clear()
    check(deploy(workspace))
    assert len(vespa.container.vectors[field_of(label)]) == len(TEXTS)

    def lose(step: str) -> None:
        if step == "deploy" and vespa.requests["deploy"] == flip:
            vespa.container.vectors[field_of(label)].clear()

    flip = vespa.requests["deploy"] + 2
    vespa.hook = lose  # while it flips
    check(deploy(workspace))
    assert len(vespa.container.vectors[field_of(label)]) == len(TEXTS)
    assert manifest(vespa.sessions[-1])["fed"].keys() == {"documents", field_of(label)}


def test_rolling_back_brings_the_model_back_as_it_was(workspace: Workspace, vespa: StandIn) -> None:
    workspace.set("package", profile="rrf", targets=50, nodes="cloud")
    workspace.set("bm25", k1=0.9)
    packed(workspace)
    check(deploy(workspace))
    before = vespa.sessions[-1].files
    workspace.set("package", profile="semantic", targets=20)
    workspace.set("bm25", k1=2.0)
    workspace.set("deploy", max_loss=1.0)
    packed(workspace, seed=2)
    check(deploy(workspace))
    workspace.set("package", profile="hybrid", targets=7, nodes="local")
    check(COMMANDS["rollback"](workspace))
    check(COMMANDS["prune"](workspace))
    after = vespa.sessions[-1].files
    common = ("schemas/doc.sd", "search/query-profiles/bm25.xml", "embedsmith.json")
    assert before.keys() == after.keys()
    assert {name for name in before if before[name] != after[name]} == set(common)


def test_a_lease_is_renewed_while_documents_are_fed(
    workspace: Workspace, vespa: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("stages.lib.vespa.operate.site.LEASE", 0.0)
    packed(workspace)
    check(deploy(workspace))
    leases = [manifest(package)["lease"] for package in vespa.sessions]
    assert len(leases) > 3
    assert leases.pop() is None
    assert len({lease["id"] for lease in leases}) == 1
    assert [lease["until"] for lease in leases] == sorted(lease["until"] for lease in leases)


def test_whoever_loses_the_lease_stops_feeding(workspace: Workspace, vespa: StandIn) -> None:
    packed(workspace)
    check(deploy(workspace))
    rows = workspace.folder / "package" / "feed.jsonl"
    asked: list[str] = []
    released = threading.Event()

    def hold(path: str) -> None:
        asked.append(path)
        if len(asked) > 1:  # so that the command has nothing more to tell
            released.wait(60)

    def lost() -> None:
        raise UserError("somebody else deployed meanwhile")

    vespa.hold = hold
    connection = Connection(vespa.url, vespa.url, None, Credentials())
    with pytest.raises(UserError, match="somebody else deployed meanwhile"):
        feed(connection, rows, workspace.folder, lost)
    running = [each.info["cmdline"] for each in psutil.process_iter(["cmdline"])]
    released.set()
    assert not [each for each in running if each and str(rows) in each]  # and has not to wait
