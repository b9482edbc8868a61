"""Commands run as a user would, in a folder of their own."""

import os
import subprocess
import sys
from pathlib import Path


def attempt(folder: Path, *command: str) -> "subprocess.CompletedProcess[str]":
    """Runs a command with this environment's programs, and a journal in the folder's home."""
    environment = os.environ | {
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "EMBEDSMITH_HOME": str(folder / "home"),
        "DVC_NO_ANALYTICS": "1",
    }
    return subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, check=False
    )


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
