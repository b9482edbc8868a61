"""Commands run as a user would, in a folder of their own."""

import atexit
import functools
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.imports import ROOT


def attempt(folder: Path, *command: str) -> "subprocess.CompletedProcess[str]":
    """Runs a command with this environment's programs, and a journal in the folder's home."""
    environment = os.environ | {
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "EMBEDSMITH_HOME": str(folder / "home"),
        "DVC_NO_ANALYTICS": "1",
    }
    if command[0] == "dvc":
        return forked(folder, environment, *command)
    return subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, check=False
    )


def forked(
    folder: Path, environment: dict[str, str], *command: str
) -> "subprocess.CompletedProcess[str]":
    """Runs a command of DVC in a process that has imported DVC already."""
    process = forking()
    assert process.stdin
    assert process.stdout
    with tempfile.NamedTemporaryFile("r") as out, tempfile.NamedTemporaryFile("r") as err:
        asked = {"folder": str(folder), "environment": environment, "arguments": command[1:]}
        print(
            json.dumps(asked | {"out": out.name, "err": err.name}), file=process.stdin, flush=True
        )
        code = int(process.stdout.readline())
        return subprocess.CompletedProcess(command, code, out.read(), err.read())


@functools.cache
def forking() -> "subprocess.Popen[str]":
    """The process that forks, one for all tests; it ends where nobody can ask it any more."""
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.forked"],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    atexit.register(process.communicate)
    return process


def call(folder: Path, *command: str) -> str:
    """What a command prints; its output is the test's message where it fails."""
    done = attempt(folder, *command)
    assert done.returncode == 0, f"{' '.join(command)}\n{done.stdout}\n{done.stderr}"
    return done.stdout + done.stderr


def commit(folder: Path, message: str) -> None:
    """Commits all that is there, in a repository that need not be there yet."""
    if not (folder / ".git").exists():
        call(folder, "git", "init", "-q")
        call(folder, "git", "config", "user.email", "test@example.com")
        call(folder, "git", "config", "user.name", "test")
    call(folder, "git", "add", "-A")
    call(folder, "git", "commit", "-qm", message)
