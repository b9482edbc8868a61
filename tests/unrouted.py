"""Commands where no address has a route, and how many connections they try all the same."""

import re
import shutil
import sys
from pathlib import Path

from tests.commands import attempt

NAMESPACE = ("unshare", "-rn", "sh", "-c", '"$@"; code=$?; cat /proc/net/snmp; exit $code', "sh")
"""Runs a command there, and then prints the kernel's counters."""

CONNECT = "import socket; socket.socket().connect_ex(('192.0.2.1', 80))"


def tried(folder: Path, *command: str) -> int:
    """How many connections a command tried; it has to end well.

    The journal of answers is `home` in the folder, as for other commands of the tests.
    """
    done = attempt(folder, *NAMESPACE, *command)
    assert done.returncode == 0, done.stdout + done.stderr
    names, values = re.findall(r"^Ip: (.+)$", done.stdout, re.M)
    return int(dict(zip(names.split(), values.split(), strict=True))["OutNoRoutes"])


def uncountable(folder: Path) -> str:
    """Why connections cannot be counted here; empty where they can."""
    if not shutil.which("unshare"):
        return "there is no unshare"
    try:
        count = tried(folder, sys.executable, "-c", CONNECT)
    except (AssertionError, ValueError):
        return "no network namespace can be made here"
    return "" if count else "the kernel counts no connection without a route"
