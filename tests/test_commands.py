"""Every command explains itself, fails in one line, and is there if a document names it."""

import os
import re
import shlex
import subprocess
import sys
from argparse import ArgumentParser, _SubParsersAction
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

import click
import pytest
import ruamel.yaml
import yaml
from click.testing import CliRunner, Result
from dvc.cli.parser import get_main_parser

from stages.__main__ import MODULES, OPERATE, PIPELINE, ROWS, SHARE, STUDY, main
from tests.imports import ROOT

DOCUMENTS = [
    *sorted(ROOT.glob("*.md")),
    *sorted(ROOT.glob(".github/*.md")),
    *(
        ROOT / folder / "README.md"
        for folder in ("stages", "application-package", "tests/bench", "data/sample")
    ),
]
NOT_READING = ("mend", "repro", "base", "serve", "query")
"""They take no file but the parameters'."""


def load(name: str) -> click.Command:
    command: click.Command = import_module(MODULES[name]).main
    return command


def test_the_list_is_whole() -> None:
    for names, folder in (
        (PIPELINE, "stages"),
        (OPERATE, "stages/operate"),
        (STUDY, "stages/study"),
        (SHARE, "stages/share"),
        (ROWS, "stages/rows"),
    ):
        files = {path.stem for path in (ROOT / folder).glob("*.py")}
        assert set(names) == files - {"__init__", "__main__", "cli"}


def test_the_list_is_shown_without_loading_torch() -> None:
    done = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "stages", "--help"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    assert re.findall(r"^  (\w+)  +[A-Z]", done.stdout, re.M) == list(MODULES)
    assert not re.search(r"\| +(torch|numpy|stages\.lib)\b", done.stderr)


def test_a_command_gets_its_own_arguments(monkeypatch: pytest.MonkeyPatch) -> None:
    """`train` hands sys.argv on to its module under torchrun."""
    monkeypatch.setattr(sys, "argv", ["stages", "show", "--summary", "nowhere.json"])
    result = CliRunner().invoke(main, sys.argv[1:])
    assert "nowhere.json" in result.stderr
    assert sys.argv == ["stages", "--summary", "nowhere.json"]


@pytest.mark.parametrize("name", MODULES)
def test_help_explains_the_command_and_each_option(name: str) -> None:
    command = load(name)
    assert command.help
    for option in command.params:
        if isinstance(option, click.Option):
            assert option.help, option.name
    shown = CliRunner().invoke(main, [name, "--help"])
    assert shown.exit_code == 0
    assert command.help.split(".", maxsplit=1)[0].split()[0] in shown.stdout


@pytest.fixture
def offline(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """An empty folder to work in, and an environment in which nobody answers."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")  # restored later: base lifts it
    monkeypatch.setenv("VESPA_TARGET", "http://127.0.0.1:9")
    monkeypatch.setenv("VESPA_ENDPOINT", "http://127.0.0.1:9")
    monkeypatch.setenv("EMBEDSMITH_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("OPENAI_API_KEY", "none")
    monkeypatch.setenv("WORLD_SIZE", "1")  # several GPUs would start the test anew
    return tmp_path


def fails_in_one_line(result: Result) -> None:
    assert result.exit_code != 0
    assert isinstance(result.exception, SystemExit), result.exception
    lines = result.stderr.strip().splitlines()
    assert len(lines) == 1, result.stderr
    assert lines[0].startswith("Error: ")


def missing(command: click.Command) -> list[str]:
    """Arguments that name files which are not there; those of the parameters are left out."""
    arguments: list[str] = []
    for param in command.params:
        if isinstance(param, click.Argument):
            arguments.append(f"missing/{param.name}")
        elif isinstance(param.type, click.Path) and param.name != "params":
            arguments += [param.opts[0], f"missing/{param.name}"]
    return arguments


@pytest.mark.parametrize("name", [name for name in MODULES if name not in NOT_READING])
def test_a_missing_file_is_one_line(name: str, offline: Path) -> None:
    settings = yaml.safe_load((ROOT / "params.yaml").read_text())
    settings["llm"]["provider"] = "openai"  # cost and rules ask nothing of the others
    settings["expand"]["enabled"] = settings["answer"]["enabled"] = True
    settings["prepare"]["path"] = "missing/collection"
    (offline / "params.yaml").write_text(yaml.safe_dump(settings))
    result = CliRunner().invoke(main, [name, *missing(load(name))])
    fails_in_one_line(result)
    if name not in ("rollback", "prune"):  # these ask Vespa first
        assert "missing/" in result.stderr


@pytest.mark.usefixtures("offline")
@pytest.mark.parametrize("name", [name for name in MODULES if name != "serve"])
def test_missing_parameters_are_one_line(name: str) -> None:
    command = load(name)
    if "params" not in {option.name for option in command.params}:
        pytest.skip("takes no parameters")
    result = CliRunner().invoke(main, [name, *missing(command), "--params", "missing/params.yaml"])
    fails_in_one_line(result)


def commands(program: str) -> list[tuple[str, str]]:
    """What documents call a program with, and in which document: in fences and in backticks."""
    calls = []
    for document in DOCUMENTS:
        text = document.read_text()
        fences = re.findall(r"^```.*?\n(.*?)^```", text, re.M | re.S)
        code = [line for fence in fences for line in fence.splitlines()]
        code += re.findall(r"`([^`]+)`", re.sub(r"^```.*?^```", "", text, flags=re.M | re.S))
        for line in code:
            for call in re.split(r"&&|;", " ".join(line.split())):
                if call.strip().startswith(program + " "):
                    place = str(document.relative_to(ROOT))
                    calls.append((place, call.strip()[len(program) :].strip()))
    assert calls, program
    return calls


def test_documents_name_targets_that_exist() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.M))
    for document, call in commands("make"):
        for word in shlex.split(call):
            assert word in targets or re.fullmatch(r"[A-Z]+=.+", word), f"{document}: make {call}"


def test_documents_name_commands_of_dvc_that_exist() -> None:
    stages = yaml.safe_load((ROOT / "dvc.yaml").read_text())["stages"]
    for document, call in commands("dvc"):
        parser: ArgumentParser = get_main_parser()
        words = shlex.split(call)
        while words and (choices := subcommands(parser)):
            assert words[0] in choices, f"{document}: dvc {call}"
            parser = choices[words.pop(0)]
        options = {option for action in parser._actions for option in action.option_strings}
        for word in words:
            assert not word.startswith("-") or word in options, f"{document}: dvc {call}"
        if call.startswith("repro "):
            assert words[0] in stages, f"{document}: dvc {call}"


def subcommands(parser: ArgumentParser) -> dict[str, ArgumentParser]:
    for action in parser._actions:
        if isinstance(action, _SubParsersAction):
            return dict(action.choices)
    return {}


def test_documents_name_modules_and_options_that_exist() -> None:
    for document, call in commands("python -m"):
        module, *words = shlex.split(call)
        said = f"{document}: python -m {call}"
        if module == "stages" and words[0] in MODULES:
            module = MODULES[words.pop(0)]
        elif module == "stages":
            assert words == ["--help"], said
        spec = find_spec(module)
        assert spec, said
        if module.startswith(("stages.", "tests.")):
            code = Path(str(spec.origin)).read_text()
            for word in words:
                known = word == "--help" or f'"{word}"' in code
                assert known or not word.startswith("--"), f"{said}: {word}"


def test_make_lets_python_keep_what_it_compiles() -> None:
    asked = "asked: ; @python3 -c 'import sys; print(sys.dont_write_bytecode)'"
    done = subprocess.run(
        ["make", "--eval", asked, "asked"],
        cwd=ROOT,
        env=os.environ | {"PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout == "False\n", done.stderr


def shown_of(variable: str, given: str) -> str:
    """What a filter of the Makefile lets through."""
    rule = f"asked: ; @{{ $({variable}); }}"
    command = ["make", "--no-print-directory", "--eval", rule, "asked"]
    done = subprocess.run(
        command, cwd=ROOT, input=given, capture_output=True, text=True, check=True
    )
    return done.stdout


def test_an_installation_tells_how_far_it_is() -> None:
    found = "".join(f"Collecting one{n}\n  Downloading one{n}\n" for n in range(1, 43))
    assert shown_of("INSTALLING", f"{found}Installing collected packages: one1\n") == (
        "  20 are found, now one20\n  40 are found, now one40\n  all are here, and are unpacked\n"
    )


def test_dvc_reads_its_files_by_the_fast_parser() -> None:
    # without it, reading them takes a third of a run in which nothing changed
    assert ruamel.yaml.YAML(typ="safe").Parser is not ruamel.yaml.parser.Parser


def test_readme_names_the_pinned_torch() -> None:
    (pinned,) = re.findall(r"^torch==\S+$", (ROOT / "requirements.lock").read_text(), re.M)
    assert pinned in (ROOT / "README.md").read_text()


def test_links_lead_somewhere() -> None:
    for document in DOCUMENTS:
        for path, _, anchor in re.findall(r"\]\(([^)#:]*)(#([^)]+))?\)", document.read_text()):
            target = (document.parent / path).resolve() if path else document
            assert target.exists(), f"{document}: {path}"
            if anchor:
                headings = re.findall(r"^#+ (.+)$", target.read_text(), re.M)
                slugs = {
                    re.sub(r"[^\w -]", "", each.lower()).replace(" ", "-") for each in headings
                }
                assert anchor in slugs, f"{document}: {path}#{anchor}"
