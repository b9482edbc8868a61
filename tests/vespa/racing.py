"""Two commands at once: one is held before one of its requests while another one runs whole."""

import copy
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

import torch
from click.testing import Result

from stages.lib.vespa.package.lease import Lease
from stages.operate.index import main as index_main
from stages.operate.prune import main as prune_main
from stages.operate.rollback import main as rollback_main
from tests.vespa.deployments import answers, command, deploy
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

ENDED = Lease.ended


@dataclass
class Outcome:
    """How two commands ended, and what users saw meanwhile."""

    first: tuple[int, str]
    second: tuple[int, str] | None
    """None where the first one made fewer requests."""
    polls: int = 0
    faults: list[str] = field(default_factory=list)
    """Requests at which a user would not have got all documents."""


class Race:
    """Runs commands in processes of their own against a stand-in whose state it can restore."""

    def __init__(self, vespa: StandIn) -> None:
        self._vespa = vespa
        self._kept = copy.deepcopy(self._state(vespa))

    @staticmethod
    def _state(vespa: StandIn) -> tuple[object, ...]:
        found = vespa.container
        return (found.documents, found.vectors, vespa.state)

    def restore(self) -> None:
        """Brings back what was there when the race was made."""
        vespa, found = self._vespa, self._vespa.container
        kept: Any = copy.deepcopy(self._kept)
        found.documents, found.vectors, vespa.state = kept
        found.serve(vespa.sessions[-1])
        vespa.hook = lambda _step: None
        vespa.hold = lambda _step: None

    def requests(self, first: Command, workspace: Workspace) -> list[str]:
        """What a command asks for, in order, where nobody disturbs it."""
        self.restore()
        steps: list[str] = []
        self._vespa.hook = steps.append
        code, output = self._wait(*self._start(first, workspace))
        assert code == 0, output
        return steps

    def run(
        self, first: Command, one: Workspace, at: int, second: Command, other: Workspace
    ) -> Outcome:
        """Holds the first command before its request `at`, counted from 0, for the second one."""
        self.restore()
        vespa = self._vespa
        outcome = Outcome((0, ""), None)
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
                over.wait(120)

        def poll(step: str) -> None:
            outcome.polls += 1
            if set(answers(vespa)) != set(TEXTS):
                outcome.faults.append(step)

        vespa.hold, vespa.hook = hold, poll
        started = self._start(first, one)
        ended = threading.Event()

        def wait() -> None:
            outcome.first = self._wait(*started)
            ended.set()
            reached.set()

        waiting = threading.Thread(target=wait)
        waiting.start()
        reached.wait(120)
        if not ended.is_set():
            outcome.second = self._wait(*self._start(second, other))
        over.set()
        waiting.join()
        poll("the end")
        vespa.hold = vespa.hook = lambda _step: None
        return outcome

    @staticmethod
    def _start(run: Command, workspace: Workspace) -> tuple[BaseProcess, Path]:
        written = Path(tempfile.mkstemp(dir=workspace.folder, suffix=".out")[1])
        leases = Lease.ended is ENDED  # a test may have switched them off
        arguments = (run, workspace, written, leases, dict(os.environ), Path.cwd())
        process = PROCESSES.Process(target=_run, args=arguments)
        process.start()
        return process, written

    @staticmethod
    def _wait(process: BaseProcess, written: Path) -> tuple[int, str]:
        process.join()
        code = process.exitcode
        assert code is not None
        assert code >= 0, f"ended by signal {-code}"
        return code, written.read_text(encoding="utf-8")


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
    torch.set_num_threads(1)
    if not leases:
        Lease.ended = lambda *_: True  # type: ignore[method-assign]
    result = run(workspace)
    written.write_text(result.output, encoding="utf-8")
    sys.exit(result.exit_code)
