"""Mends what a killed DVC left broken, so that it runs again."""

import json
import subprocess
from pathlib import Path

import psutil
import yaml
from dvc.schema import COMPILED_LOCKFILE_SCHEMA
from voluptuous import Invalid

from stages.cli import stage
from stages.lib.core.files import clear_leftovers

RWLOCK = Path(".dvc/tmp/rwlock")
"""What DVC reads and writes at the moment; killed while it writes that, it stops every command."""

LOCKS = (Path("dvc.lock"), Path("application-package/dvc.lock"))
ASIDE = Path(".dvc/tmp")


@stage
def main() -> str | None:
    """Remove a broken rwlock and put a broken dvc.lock aside, unless DVC runs here."""
    for folder in (Path(), Path("data"), Path("models"), Path(".dvc/tmp")):
        clear_leftovers(folder)
    broken = [path for path in (RWLOCK, *LOCKS) if path.is_file() and not is_whole(path)]
    if not broken:
        return None
    runs = running_dvc(Path.cwd())
    if runs:
        # it may be writing them just now
        return f"mend: {', '.join(map(str, broken))} left alone, since DVC runs here (pid {runs})"
    return f"mend: {'; '.join(map(mend, broken))}"


def is_whole(path: Path) -> bool:
    """Whether DVC can read its lock: JSON for the rwlock, else what its own schema says."""
    try:
        text = path.read_text(encoding="utf-8")
        if path == RWLOCK:
            return isinstance(json.loads(text), dict)
        COMPILED_LOCKFILE_SCHEMA(yaml.load(text, yaml.CSafeLoader))
    except (ValueError, yaml.YAMLError, Invalid):
        return False
    return True


def running_dvc(folder: Path) -> int | None:
    """The process id of a DVC that runs in the folder or below."""
    for process in psutil.process_iter(["cmdline", "cwd"]):
        words = [Path(word).name for word in (process.info["cmdline"] or [])[:3]]
        where = process.info["cwd"]
        if "dvc" in words and where and Path(where).is_relative_to(folder):
            return int(process.pid)
    return None


def mend(path: Path) -> str:
    """Removes a broken rwlock; puts a broken dvc.lock aside and takes git's; says what it did."""
    if path == RWLOCK:
        path.unlink()
        return f"removed {path}, which a killed DVC left broken"
    ASIDE.mkdir(parents=True, exist_ok=True)
    aside = ASIDE / f"{path.as_posix().replace('/', '.')}.broken"
    path.replace(aside)
    command = ["git", "show", f":./{path.as_posix()}"]
    kept = subprocess.run(command, capture_output=True, check=False)  # noqa: S603 - a fixed command
    if kept.returncode:
        return f"{path} was broken and is now {aside}; what ran is looked up in the cache"
    path.write_bytes(kept.stdout)
    return f"{path} was broken and is now {aside}; restored git's"


if __name__ == "__main__":
    main()
