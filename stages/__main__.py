"""All commands in one place: `python -m stages --help`.

A command's module is imported when the command is asked for: torch takes seconds to load.
"""

import ast
import sys
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

import click

PIPELINE = (
    "base",
    "prepare",
    "rules",
    "generate",
    "embed",
    "embed_documents",
    "select",
    "judge_dev",
    "expand",
    "distill",
    "mine",
    "adapt",
    "train",
    "export",
    "others",
    "answer",
    "evaluate",
    "package",
    "brainstorm",
    "examples",
    "tasks",
)
"""The commands of dvc.yaml, in its order."""

OPERATE = (
    "preset",
    "mend",
    "repro",
    "cost",
    "page",
    "export_examples",
    "import_reviews",
    "serve",
    "deploy",
    "query",
    "rollback",
    "prune",
    "index",
)
"""What make runs beside the pipeline."""

STUDY = ("show", "compare", "bases", "saturation", "forgetting")
"""What make runs to measure beside the pipeline, and to show what was measured."""

SHARE = ("model", "publish", "mteb_task")
"""What make runs to hand the model on."""

ROWS = ("import_rows", "export_rows", "mine_rows", "score_rows")
"""What make runs on rows of tasks."""

MODULES = (
    {name: f"stages.{name}" for name in PIPELINE}
    | {name: f"stages.operate.{name}" for name in OPERATE}
    | {name: f"stages.study.{name}" for name in STUDY}
    | {name: f"stages.share.{name}" for name in SHARE}
    | {name: f"stages.rows.{name}" for name in ROWS}
)
"""The module of each command, by the command's name."""


class Commands(click.Group):
    """The commands of `MODULES`, each imported when it is asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        """The names, in the order of the help."""
        return list(MODULES)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        """The command of a name; None if there is none."""
        if cmd_name not in MODULES:
            return None
        command: click.Command = import_module(MODULES[cmd_name]).main
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """The command that the arguments begin with, and what follows it."""
        name, command, rest = super().resolve_command(ctx, args)
        # train starts its module anew under torchrun, with the arguments that it finds here
        sys.argv[1:] = rest
        return name, command, rest

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        """Writes a line a command, without importing its module."""
        parts = {
            "The pipeline": PIPELINE,
            "Beside the pipeline": OPERATE,
            "To measure": STUDY,
            "To hand the model on": SHARE,
            "Rows of tasks": ROWS,
        }
        for title, names in parts.items():
            with formatter.section(title):
                formatter.write_dl([(name, summary(MODULES[name])) for name in names])


def summary(module: str) -> str:
    """The first line of a module's docstring, which its file tells without an import."""
    spec = find_spec(module)
    if spec is None or spec.origin is None:
        raise ModuleNotFoundError(module)
    docstring = ast.get_docstring(ast.parse(Path(spec.origin).read_text(encoding="utf-8"))) or ""
    return docstring.partition("\n")[0]


@click.group(cls=Commands)
def main() -> None:
    """Runs a stage of the pipeline, or what make runs beside it.

    `dvc repro` calls the stages with the paths of dvc.yaml; `python -m stages train --help` tells
    what a stage reads and writes.
    """


if __name__ == "__main__":
    main(prog_name="python -m stages")
