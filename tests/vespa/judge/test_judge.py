"""The judge itself: what it says where it cannot be had, and that it answers on."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.imports import ROOT
from tests.vespa.judge import Judge, Refused, Unavailable, build
from tests.vespa.judge.building import HERE


@pytest.fixture
def commands(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that is the whole PATH."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))
    return folder


def write(commands: Path, name: str, script: str) -> None:
    path = commands / name
    path.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
    path.chmod(0o755)


def copied(folder: Path, version: str | None = None) -> Path:
    """The judge's sources with nothing compiled yet, perhaps for another version of Vespa."""
    target = Path(shutil.copytree(HERE, folder, ignore=shutil.ignore_patterns("target")))
    if version:
        pom = (target / "pom.xml").read_text(encoding="utf-8")
        before = "<vespa.version>8.700.24<"
        assert before in pom
        changed = pom.replace(before, f"<vespa.version>{version}<")
        (target / "pom.xml").write_text(changed, encoding="utf-8")
    return target


JAVA_17 = "echo 'openjdk version \"17.0.15\"' >&2"


def test_without_java(commands: Path) -> None:
    assert commands.is_dir()
    with pytest.raises(Unavailable, match="^no java on the PATH; install Java 17$"):
        build()


def test_java_8(commands: Path) -> None:
    write(commands, "java", "echo 'java version \"1.8.0_392\"' >&2")
    with pytest.raises(Unavailable, match="^java is version 8; install Java 17$"):
        build()


def test_without_maven(commands: Path) -> None:
    write(commands, "java", JAVA_17)
    with pytest.raises(Unavailable, match="^no mvn on the PATH; install Maven$"):
        build()


def test_maven_that_gets_nothing(commands: Path, tmp_path: Path) -> None:
    write(commands, "java", JAVA_17)
    write(commands, "mvn", "echo '[ERROR] Cannot access central in offline mode'; exit 1")
    folder = copied(tmp_path / "judge")
    with pytest.raises(RuntimeError, match="pom.xml: mvn fails: Cannot access central in offline"):
        build(folder)
    assert not list(folder.glob("target/*/classpath.txt"))


def test_version_that_does_not_exist(judge: Judge, tmp_path: Path) -> None:
    assert judge
    folder = copied(tmp_path / "judge", version="8.0.0-none")
    with pytest.raises(RuntimeError, match="pom.xml: mvn fails: .*8.0.0-none") as raised:
        build(folder)
    assert "\n" not in str(raised.value)


def test_jar_that_maven_lost_is_fetched_again(commands: Path, tmp_path: Path) -> None:
    folder = copied(tmp_path / "judge")
    write(commands, "java", JAVA_17)
    jar = tmp_path / "a.jar"
    jar.touch()
    write(
        commands,
        "mvn",
        f"for each; do case $each in -Dmdep.outputFile=*) file=${{each#*=}};; esac; done\n"
        f'/bin/mkdir -p "${{file%/*}}"; printf %s {jar} > "$file"; echo x >> {tmp_path}/calls',
    )
    assert build(folder) == build(folder)
    assert (tmp_path / "calls").read_text(encoding="utf-8") == "x\n"
    jar.unlink()
    build(folder)
    assert (tmp_path / "calls").read_text(encoding="utf-8") == "x\nx\n"


def test_refusals_come_in_one_line_and_the_judge_answers_on(judge: Judge, tmp_path: Path) -> None:
    for _ in range(2):
        with pytest.raises(Refused, match=r"services\.xml does not exist") as raised:
            judge.package(tmp_path)
        assert "\n" not in str(raised.value)
    with pytest.raises(Refused, match="no such question"):
        judge.ask("other")


@pytest.mark.parametrize("ci", ["", "true"])
def test_where_ci_is_set_its_absence_is_a_failure(ci: str, tmp_path: Path) -> None:
    tests = ["tests/vespa/judge/test_judge.py", "-k", "refusals_come or does_not_exist"]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *tests],
        cwd=ROOT,
        env=os.environ | {"PATH": str(tmp_path), "CI": ci},
        capture_output=True,
        text=True,
        check=False,
    )
    said = done.stdout.splitlines()
    if ci:
        assert done.returncode == 1
        assert "CI is set, but there is no java on the PATH; install Java 17" in said
    else:
        assert done.returncode == 0
        reasons = [line for line in said if "no java on the PATH" in line]
        assert reasons == [
            "Not checked: what Vespa itself says of our packages (no java on the PATH; install "
            "Java 17)"
        ]
