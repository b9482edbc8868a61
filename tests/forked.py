"""DVC's own command in processes that need not import it anew, which is most of what it does.

`python -m tests.forked` reads a command a line, as JSON, runs it in a fork of itself, and writes
its exit code.
"""

import json
import os
import sys
import tempfile
from importlib import import_module
from typing import Any

USED = (
    "dulwich.worktree",
    "dvc.cachemgr",
    "dvc.cli.parser",
    "dvc.daemon",
    "dvc.data_cloud",
    "dvc.lock",
    "dvc.repo.init",
    "dvc.repo.reproduce",
    "dvc.rwlock",
    "dvc.scm",
    "dvc.stage.cache",
    "dvc.stage.loader",
    "dvc_data.index",
    "dvc_render",
    "networkx",
    "psutil",
    "ruamel.yaml",
    "scmrepo.git",
)
"""What commands import only when they run."""


def main() -> None:
    """Runs commands until there are no more."""
    for name in USED:
        import_module(name)
    for line in sys.stdin:
        asked = json.loads(line)
        process = os.fork()
        if not process:
            run(asked)
        _, status = os.waitpid(process, 0)
        print(os.waitstatus_to_exitcode(status), flush=True)


def run(asked: dict[str, Any]) -> None:
    """Becomes the command: its folder, its environment, its files for what it says."""
    code = 255
    try:
        for place, (path, how) in enumerate(
            [(os.devnull, os.O_RDONLY), (asked["out"], os.O_WRONLY), (asked["err"], os.O_WRONLY)]
        ):
            os.dup2(os.open(path, how), place)
        os.chdir(asked["folder"])
        os.environ.clear()
        os.environ.update(asked["environment"])
        tempfile.tempdir = None  # the environment says where
        sys.argv = ["dvc", *asked["arguments"]]
        from dvc.cli import main as dvc

        code = dvc()
    except SystemExit as ended:
        code = ended.code if isinstance(ended.code, int) else 1
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


if __name__ == "__main__":
    main()
