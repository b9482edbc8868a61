"""The judge's class path: Vespa's jars by Maven, and our questions compiled against them."""

import hashlib
import os
import re
import shutil
import subprocess
from pathlib import Path

HERE = Path(__file__).parent
JAVA = 17
"""The version that Vespa's classes are compiled for."""


class Unavailable(Exception):  # noqa: N818 - nothing went wrong yet
    """There is no Java or no Maven here; the message says so in one line."""


def build(folder: Path = HERE) -> str:
    """The class path of the judge, compiled unless it has been.

    Args:
        folder: of pom.xml and src/; compiled classes go into its target/.

    Raises:
        Unavailable: this machine lacks Java or Maven.
        RuntimeError: Maven fails; the message is one line.

    """
    _check_java()
    if shutil.which("mvn") is None:
        raise Unavailable("no mvn on the PATH; install Maven")
    pom = folder / "pom.xml"
    target = folder / "target" / _hash(pom, *sorted(folder.glob("src/**/*.java")))
    listed = target / "classpath.txt"
    if not _complete(listed):
        shutil.rmtree(target, ignore_errors=True)
        _maven(pom, target, listed)
    return os.pathsep.join([str(target / "classes"), listed.read_text(encoding="utf-8")])


def _check_java() -> None:
    if shutil.which("java") is None:
        raise Unavailable(f"no java on the PATH; install Java {JAVA}")
    done = subprocess.run(["java", "-version"], capture_output=True, text=True, check=False)
    # 8 calls itself 1.8
    found = re.search(r'version "(?:1\.)?(\d+)', done.stderr)
    version = int(found[1]) if found else 0
    if version < JAVA:
        raise Unavailable(f"java is version {version or 'unknown'}; install Java {JAVA}")


def _hash(*paths: Path) -> str:
    total = hashlib.sha256()
    for path in paths:
        total.update(path.name.encode() + b"\0" + path.read_bytes())
    return total.hexdigest()[:12]


def _complete(listed: Path) -> bool:
    """Whether the class path is there with all of its jars, which Maven's cache may have lost."""
    if not listed.is_file():
        return False
    return all(Path(each).is_file() for each in listed.read_text("utf-8").split(os.pathsep))


def _maven(pom: Path, target: Path, listed: Path) -> None:
    """Compiles; what Maven writes last is the list of jars."""
    done = subprocess.run(
        [
            *("mvn", "--quiet", "--batch-mode", "--file", str(pom)),
            f"-Djudge.folder={target}",
            f"-Dmdep.outputFile={listed}",
            *("compile", "dependency:build-classpath"),
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        plain = re.sub(r"\x1b\[\d*m", "", done.stdout)  # it colours what it says
        lines = [each.removeprefix("[ERROR]").strip() for each in plain.splitlines()]
        fault = next(filter(None, lines), done.stderr)
        raise RuntimeError(f"{pom}: mvn fails: {' '.join(fault.split())}")
