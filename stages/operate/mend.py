"""Mends what a killed DVC left broken, so that it runs again."""

import json
import os
import re
import subprocess
from pathlib import Path
from typing import Any

import psutil
import yaml

from stages.cli import stage
from stages.lib.core.files import clear_leftovers

RWLOCK = Path(".dvc/tmp/rwlock")
"""What DVC reads and writes at the moment; killed while it writes that, it stops every command."""

LOCKS = (Path("dvc.lock"), Path("application-package/dvc.lock"))
ASIDE = Path(".dvc/tmp")
CACHE = Path(".dvc/cache")
COPY = re.compile(r"\.[\w-]{22}\.tmp")
"""How DVC names a copy that is under way in its cache."""


DVCS = {"dvc", "stages.operate.repro"}
"""The commands that run DVC."""


@stage
def main() -> str | None:
    """Remove a broken rwlock and half copies, and put a broken dvc.lock aside, unless DVC runs."""
    return mended()


def mended() -> str | None:
    """Mends what is broken here; what was done, or None where all is whole."""
    for folder in (Path(), Path("data"), Path("models"), Path(".dvc/tmp")):
        clear_leftovers(folder)
    broken = [path for path in (RWLOCK, *LOCKS) if path.is_file() and not is_whole(path)]
    copies = [path for path in CACHE.glob("**/.*.tmp") if COPY.fullmatch(path.name)]
    if not broken and not copies:
        return None
    runs = running_dvc(Path.cwd())
    if runs:
        # it may be writing them just now
        names = ", ".join(map(str, [*broken, *copies]))
        return f"mend: {names} left alone, since DVC runs here (pid {runs})"
    done = [mend(path) for path in broken]
    if copies:
        done.append(remove_copies(copies))
    return f"mend: {'; '.join(done)}"


def remove_copies(copies: list[Path]) -> str:
    """Removes what a full disk or a killed DVC left half copied in the cache; says how much."""
    size = sum(path.stat().st_size for path in copies)
    for path in copies:
        path.unlink(missing_ok=True)
    return f"removed {len(copies)} unfinished copies ({size / 1e6:,.0f} MB) from {CACHE}"


def is_whole(path: Path) -> bool:
    """Whether DVC can read its lock: JSON for the rwlock, else what `is_lock` says."""
    try:
        text = path.read_text(encoding="utf-8")
        if path == RWLOCK:
            return isinstance(json.loads(text), dict)
        return is_lock(yaml.load(text, yaml.CSafeLoader))
    except (ValueError, yaml.YAMLError):
        return False


ENTRY = {"path": str, "hash": str, "size": int, "nfiles": int}


def is_lock(value: Any) -> bool:
    """Whether this is what DVC's own schema of a dvc.lock takes, of what a killed DVC may leave.

    DVC's schema itself takes half a second to import, in each run.
    """
    if not isinstance(value, dict) or value.get("schema") != "2.0":
        return False
    stages = value.get("stages", {})
    return isinstance(stages, dict) and all(map(_is_stage, stages.values()))


def _is_stage(value: Any) -> bool:
    if not isinstance(value, dict) or not isinstance(value.get("cmd"), str | list):
        return False
    params = value.get("params", {})
    entries = [value.get(kind, []) for kind in ("deps", "outs")]
    return (
        isinstance(params, dict)
        and all(isinstance(file, dict) for file in params.values())
        and all(isinstance(each, list) and all(map(_is_entry, each)) for each in entries)
    )


def _is_entry(value: Any) -> bool:
    if not isinstance(value, dict) or "path" not in value:
        return False
    kinds = all(isinstance(value[key], kind) for key, kind in ENTRY.items() if key in value)
    # a hash that was cut off after a zero is a number to YAML
    md5 = value.get("md5")
    return kinds and (md5 is None or len(str(md5)) > 2)


def running_dvc(folder: Path) -> int | None:
    """The process id of another one that runs DVC in the folder or below."""
    for process in psutil.process_iter(["cmdline", "cwd"]):
        words = [Path(word).name for word in (process.info["cmdline"] or [])[:3]]
        where = process.info["cwd"]
        if process.pid == os.getpid() or DVCS.isdisjoint(words):
            continue
        if where and Path(where).is_relative_to(folder):
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
