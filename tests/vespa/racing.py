"""Two commands at once: one is held before one of its requests while another one runs whole."""

import copy
import json
import multiprocessing
import os
import sys
import tempfile
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

import pytest
import torch
from click.testing import Result

from stages.lib.vespa.package.lease import Lease
from stages.operate.index import main as index_main
from stages.operate.prune import main as prune_main
from stages.operate.rollback import main as rollback_main
from tests.vespa.deployments import User, command, deploy, hurry
from tests.vespa.standin import StandIn
from tests.vespa.workspace import ROOT, TEXTS, Workspace, invoke

Command = Callable[[Workspace], Result]


def index(workspace: Workspace) -> Result:
    arguments = {"--corpus": workspace.corpus, "--vectors": "vectors"}
    templates = {"--templates": ROOT / "application-package"}
    return invoke(index_main, workspace, arguments | templates)


def rollback(workspace: Workspace) -> Result:
    return command(workspace, rollback_main)


def prune(workspace: Workspace) -> Result:
    return command(workspace, prune_main)


COMMANDS: dict[str, Command] = {
    "deploy": deploy,
    "rollback": rollback,
    "prune": prune,
    "index": index,
}

PROCESSES = multiprocessing.get_context("forkserver")
"""Processes from one that has imported everything and done nothing: the threads of the client's
native code do not survive a fork of this one."""
PROCESSES.set_forkserver_preload([__name__])

PATIENCE = 900
"""Seconds for a command, on a machine that has other things to do."""


@dataclass
class Outcome:
    """How two commands ended, and what users saw meanwhile."""

    first: tuple[int, str]
    second: tuple[int, str] | None
    """None where the first one made fewer requests."""
    polls: int = 0
    faults: list[str] = field(default_factory=list)
    """Requests at which a user would not have got all documents."""


State = tuple[Any, ...]


class Race:
    """Runs commands in processes of their own against a stand-in whose state it can restore.

    `state` is what is there when a race begins: by default what there is now.
    """

    def __init__(self, vespa: StandIn, state: State | None = None) -> None:
        self.vespa = vespa
        found = (vespa.container.documents, vespa.container.vectors, vespa.state)
        self.state: State = copy.deepcopy(found) if state is None else state

    def restore(self) -> None:
        """Brings back what was there."""
        vespa, found = self.vespa, self.vespa.container
        found.documents, found.vectors, vespa.state = copy.deepcopy(self.state)
        found.serve(vespa.sessions[-1])
        vespa.hook = lambda _step: None
        vespa.hold = lambda _step: None

    def requests(self, first: Command, workspace: Workspace) -> list[str]:
        """What a command asks for, in order, where nobody disturbs it."""
        self.restore()
        steps: list[str] = []
        self.vespa.hook = steps.append
        code, output = ended(*self._start(first, workspace))
        assert code == 0, output
        return steps

    def run(
        self,
        first: Command,
        one: Workspace,
        at: int,
        second: Command,
        other: Workspace,
        leases: bool = True,
    ) -> Outcome:
        """Holds the first command before its request `at`, counted from 0, for the second one.

        Without `leases` none keeps anybody out; comparing alone protects.
        """
        self.restore()
        vespa = self.vespa
        outcome = Outcome((0, ""), None)
        user = User(vespa)
        asked, reached, over = 0, threading.Event(), threading.Event()
        lock = threading.Lock()

        def hold(_step: str) -> None:
            nonlocal asked
            with lock:
                mine = not reached.is_set() and asked == at
                asked += 1
                if mine:
                    reached.set()
            if mine:
                assert over.wait(PATIENCE)

        def poll(step: str) -> None:
            outcome.polls += 1
            if user.sees() != set(TEXTS):
                outcome.faults.append(step)

        vespa.hold, vespa.hook = hold, poll
        started = self._start(first, one, leases)
        done = threading.Event()

        def wait() -> None:
            outcome.first = ended(*started)
            done.set()
            reached.set()

        waiting = threading.Thread(target=wait)
        waiting.start()
        assert reached.wait(PATIENCE)
        if not done.is_set():
            outcome.second = ended(*self._start(second, other, leases))
        over.set()
        waiting.join()
        poll("the end")
        vespa.hold = vespa.hook = lambda _step: None
        return outcome

    def _start(
        self, run: Command, workspace: Workspace, leases: bool = True
    ) -> tuple[BaseProcess, Path]:
        here = {"VESPA_TARGET": self.vespa.url, "VESPA_ENDPOINT": self.vespa.url}
        return start(run, workspace, dict(os.environ) | here, leases)


def start(
    run: Command, workspace: Workspace, environment: Mapping[str, str], leases: bool = True
) -> tuple[BaseProcess, Path]:
    """Runs a command in a process of its own, which writes how it ended into a file."""
    written = Path(tempfile.mkstemp(dir=workspace.folder, suffix=".out")[1])
    arguments = (run, workspace, written, leases, environment, Path.cwd())
    process = PROCESSES.Process(target=_run, args=arguments)
    process.start()
    return process, written


def ended(process: BaseProcess, written: Path) -> tuple[int, str]:
    """The exit code of a process, and what it said."""
    process.join()
    # several threads wait here, and multiprocessing tells the code to one of them
    code, output = json.loads(written.read_text(encoding="utf-8") or '[-1, "killed"]')
    return code, output


def _run(
    run: Command,
    workspace: Workspace,
    written: Path,
    leases: bool,
    environment: Mapping[str, str],
    place: Path,
) -> None:
    """Runs a command as its caller would, and exits as it does."""
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(place)
    tempfile.tempdir = None  # the environment says where
    hurry(pytest.MonkeyPatch())
    torch.set_num_threads(1)
    if not leases:
        Lease.ended = lambda *_: True  # type: ignore[method-assign]
    result = run(workspace)
    written.write_text(json.dumps([result.exit_code, result.output]), encoding="utf-8")
    sys.exit(result.exit_code)
