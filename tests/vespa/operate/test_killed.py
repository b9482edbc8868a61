"""Deployments that are killed at any step, and started again."""

import os
import signal
import tempfile
from pathlib import Path

import pytest

from stages.cli import SCRATCH
from stages.operate.prune import main as prune_main
from stages.operate.rollback import main as rollback_main
from tests.vespa.deployments import User, command, deploy, field_of, live, packed, receipt
from tests.vespa.racing import start
from tests.vespa.standin import StandIn
from tests.vespa.standin.package import manifest
from tests.vespa.workspace import TEXTS, Workspace, check


class Killer:
    """Runs deployments in processes of their own, which it kills at a request."""

    def __init__(self, workspace: Workspace, vespa: StandIn) -> None:
        self._project = workspace
        self._vespa = vespa
        self._user = User(vespa)
        self.watched = vespa.container.serving is not None
        self.steps: list[str] = []
        """What the last run asked for, in order."""
        self.silent: list[str] = []
        """Requests at which a user would have got nothing."""

    def run(self, step: str = "", number: int = 0) -> bool:
        """Deploys; kills at the so manieth request of a kind. Whether it came to that."""
        self.steps = []

        def watch(name: str) -> None:
            self.steps.append(name)
            if self.watched and not self._user.sees():
                self.silent.append(name)
            if name == step and self.steps.count(step) == number:
                process.kill()

        self._vespa.hook = watch
        process, _ = start(deploy, self._project, dict(os.environ))
        process.join()
        self._vespa.hook = lambda _step: None
        assert process.exitcode in (0, -signal.SIGKILL)
        return process.exitcode != 0


@pytest.mark.parametrize("filling", ["vespa", "fed"])
def test_killed_at_any_step_and_started_again_ends_right(
    workspace: Workspace, vespa: StandIn, filling: str
) -> None:
    vespa.lag = 1
    workspace.set("package", vectors=filling)
    workspace.set("deploy", max_loss=1.0)
    old = packed(workspace)
    check(deploy(workspace))
    killer = Killer(workspace, vespa)
    other = packed(workspace, seed=3)
    assert not killer.run()  # to see which steps there are
    assert live(vespa) == other
    check(command(workspace, rollback_main))
    check(command(workspace, prune_main))
    whole = killer.steps
    filled = {"vespa": {"reindex", "reindexing_status"}, "fed": {"write"}}[filling]
    assert {"content", "deploy", "converge", "search", *filled} <= set(whole)
    new = packed(workspace, seed=2)
    flip = ("deploy", whole.count("deploy"))
    late = ("search", whole.count("search") * 3 // 4)
    if filling == "vespa":
        points = [*((each, 1) for each in dict.fromkeys(whole)), late, flip]
    else:  # all else is the same as there
        points = [("write", 1), ("write", 5), flip]
    for point in points:
        assert killer.run(*point), point
        if point == flip:  # it may have got through or not; if not, there is no way back to go
            command(workspace, rollback_main)
        assert live(vespa) == old
        check(command(workspace, prune_main))  # the next one starts from the old model alone
        vespa.settle()
        assert live(vespa) == old
    for step in ("deploy", "search"):
        assert killer.run(step, 2)  # and now one after the other, without cleaning up
    check(deploy(workspace))
    assert not killer.silent
    assert live(vespa) == new
    assert manifest(vespa.sessions[-1])["previous"] == old
    assert len(vespa.container.vectors[field_of(new)]) == len(TEXTS)
    assert receipt(workspace)["live"] == new


def test_first_deployment_that_was_killed_is_started_again(
    workspace: Workspace, vespa: StandIn, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    label = packed(workspace)
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    monkeypatch.setenv("TMPDIR", str(temporary))
    monkeypatch.setattr(tempfile, "tempdir", None)
    killer = Killer(workspace, vespa)
    for step, number in (("deploy", 1), ("write", 3), ("visit", 1), ("search", 4)):
        assert killer.run(step, number), step
    assert not list(temporary.iterdir())
    assert list(SCRATCH.glob(".*.part"))  # there they are found again
    check(deploy(workspace))
    assert not list(SCRATCH.glob(".*.part"))
    assert live(vespa) == label
    assert len(vespa.container.documents) == len(TEXTS)
    assert receipt(workspace)["live"] == label
