"""dvc.yaml tells the truth: about code, options, parameters, and in the READMEs."""

import re
import shlex
from importlib import import_module
from typing import Any

import click
import pytest
import yaml

from stages.lib.params import read_params
from tests.imports import ROOT, imported_files

PIPELINE: dict[str, Any] = yaml.safe_load((ROOT / "dvc.yaml").read_text())
STAGES: dict[str, dict[str, Any]] = PIPELINE["stages"]
PARAMS = yaml.safe_load((ROOT / "params.yaml").read_text())


def command(stage: str) -> tuple[str, list[str]]:
    """The module and the arguments of a stage."""
    python, dash_m, module, *arguments = shlex.split(STAGES[stage]["cmd"])
    assert (python, dash_m) == ("python", "-m")
    return module, arguments


def names(entries: list[Any]) -> list[str]:
    return [each if isinstance(each, str) else next(iter(each)) for each in entries]


DATA = ("stages/prompts/", "stages/presets/")
"""What stages read there is no code."""

WORDING = {
    "stages/cli.py",
    "stages/lib/errors.py",
    "stages/lib/params.py",
    "stages/lib/encoder_params.py",
    "stages/lib/llm_params.py",
    "stages/lib/package_params.py",
    "stages/lib/synthetic_params.py",
    "stages/lib/tasks_params.py",
    "stages/lib/train_params.py",
    "stages/lib/values.py",
}
"""These only word what a user reads, or check parameters, whose values DVC tracks itself."""


@pytest.mark.parametrize("stage", STAGES)
def test_code_dependencies_are_what_the_module_imports(stage: str) -> None:
    code = {
        each
        for each in STAGES[stage]["deps"]
        if each.startswith("stages/") and not each.startswith(DATA)
    }
    used = {each for each in imported_files(command(stage)[0]) if each not in WORDING}
    used = {each for each in used if not each.endswith("__init__.py")}
    covered = {
        each: {file for file in used if file == each or file.startswith(f"{each}/")}
        for each in code
    }
    assert used == set().union(*covered.values()), (
        "a file that is imported lies under no dependency"
    )
    assert all(covered.values()), "a dependency of which nothing is imported"


@pytest.mark.parametrize("stage", STAGES)
def test_click_accepts_the_command(stage: str) -> None:
    module, arguments = command(stage)
    main: click.Command = import_module(module).main
    main.make_context(module, list(arguments), resilient_parsing=False)
    assert main.help


@pytest.mark.parametrize("stage", STAGES)
def test_paths_of_the_command_are_dependencies_and_outputs(stage: str) -> None:
    _, arguments = command(stage)
    paths = {each for each in arguments if not each.startswith("--")}
    known = [
        *STAGES[stage]["deps"],
        *names(
            [each for kind in ("outs", "metrics", "plots") for each in STAGES[stage].get(kind, [])]
        ),
    ]
    for path in paths:
        assert any(
            each == path or each.startswith(path + "/") or path.startswith(each + "/")
            for each in known
        ), path


@pytest.mark.parametrize("stage", STAGES)
def test_no_output_disables_the_run_cache(stage: str) -> None:
    """DVC keeps no run of a stage that has an output without a cache, unless it is a metric."""
    for output in STAGES[stage]["outs"]:
        assert isinstance(output, str) or next(iter(output.values())).get("cache", True), output


@pytest.mark.parametrize("stage", STAGES)
def test_parameters_exist(stage: str) -> None:
    for key in STAGES[stage].get("params", []):
        place = PARAMS
        for part in key.split("."):
            assert part in place, key
            place = place[part]


@pytest.mark.parametrize("stage", STAGES)
def test_another_engine_runs_what_searches_again(stage: str) -> None:
    module, _ = command(stage)
    code = (ROOT / f"{module.replace('.', '/')}.py").read_text()
    searches = re.search(r"load_(retrievers|dense|lexical)\(", code) is not None
    assert ("engine" in STAGES[stage].get("params", [])) == searches


@pytest.mark.parametrize("stage", STAGES)
def test_every_stage_says_what_it_does(stage: str) -> None:
    assert STAGES[stage]["desc"][0].isupper()


def test_only_what_is_reported_reads_test_judgements() -> None:
    for stage, entry in STAGES.items():
        if stage == "prepare":
            continue
        read = [each for each in entry["deps"] if each.startswith("data/collection")]
        assert "data/collection" not in read, f"{stage} depends on every split"
        tests = [each for each in read if each.startswith("data/collection/test")]
        if stage in ("select", "others"):  # what leaks, and vectors for the report
            assert tests == ["data/collection/test/queries.jsonl"]
        elif stage not in ("answer", "evaluate"):
            assert not tests, stage
        arguments = " ".join(command(stage)[1])
        assert ("data/collection/test" in arguments) == (stage in ("select", "others"))


def test_what_comes_of_test_judgements_is_reported_alone() -> None:
    written = names(STAGES["answer"]["outs"])
    readers = {
        stage
        for stage, entry in STAGES.items()
        if any(path.startswith(dep) for path in written for dep in entry["deps"])
    }
    assert readers == {"evaluate"}


def test_every_parameter_has_a_comment() -> None:
    lines = (ROOT / "params.yaml").read_text().splitlines()
    section_comment = False
    for number, line in enumerate(lines):
        if re.match(r"[a-z]", line):
            section_comment = False
        if re.match(r"  #", line):
            section_comment = True
        if re.match(r"  [a-z0-9_]+:", line):
            assert section_comment or "#" in line, f"params.yaml:{number + 1}: {line}"


def test_params_are_valid() -> None:
    read_params(ROOT / "params.yaml")


MAP = (ROOT / "stages" / "README.md").read_text()


def test_the_stage_table_is_the_pipeline() -> None:
    rows = re.findall(r"^\| `([a-z_]+)` \| .+? \| `", MAP, re.M)
    assert rows == list(STAGES)


def test_the_diagram_is_the_pipeline() -> None:
    drawn = re.findall(r"^\t(\w+) --> (\w+)$", MAP, re.M)
    assert reachable(drawn) == reachable(arrows())


def arrows() -> list[tuple[str, str]]:
    """Stages that a stage follows because it reads what they write."""
    written = {
        path: stage
        for stage, entry in STAGES.items()
        for kind in ("outs", "metrics", "plots")
        for path in names(entry.get(kind, []))
    }
    return [
        (written[path], stage)
        for stage, entry in STAGES.items()
        for dependency in entry["deps"]
        for path in written
        if f"{dependency}/".startswith(f"{path}/") or f"{path}/".startswith(f"{dependency}/")
    ]


def reachable(pairs: list[tuple[str, str]]) -> set[tuple[str, str]]:
    """The pairs, and those that follow from them."""
    closed = set(pairs)
    while more := {(a, d) for a, b in closed for c, d in closed if b == c} - closed:
        closed |= more
    return closed


def test_readme_names_every_target() -> None:
    readme = (ROOT / "README.md").read_text()
    for target in re.findall(r"^([a-z-]+):.*##", (ROOT / "Makefile").read_text(), re.M):
        assert f"make {target}" in readme, target
