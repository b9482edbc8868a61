"""A Vespa of one's own, in Docker."""

import shutil
import subprocess

from stages.lib.errors import UserError
from stages.lib.vespa.search.connection import run

IMAGE = "vespaengine/vespa"
NAME = "embedsmith-vespa"


def start(wait: int) -> None:
    """Starts the container, or wakes the one there is, and waits for its config server.

    Its ports are open to this machine alone.
    """
    if NAME in _docker("ps", "--all", "--format", "{{.Names}}").split():
        _docker("start", NAME)
    else:
        ports = ["--publish", "127.0.0.1:8080:8080", "--publish", "127.0.0.1:19071:19071"]
        _docker("run", "--detach", "--name", NAME, "--hostname", NAME, *ports, IMAGE)
    run(["status", "deploy", "-t", "local", "--wait", str(wait)])


def _docker(*arguments: str) -> str:
    command = shutil.which("docker")
    if command is None:
        raise UserError("docker: not installed; install it, or set VESPA_TARGET to a Vespa")
    done = subprocess.run(  # noqa: S603 - no shell, and arguments of our own
        [command, *arguments], capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise UserError(f"docker: {' '.join(done.stderr.split())}")
    return done.stdout
