"""Prints the systems' measures beside those of a git revision."""

import json
import subprocess
from pathlib import Path

import click

from stages.cli import stage
from stages.lib.core.files import read_json
from stages.lib.errors import UserError
from stages.lib.evaluation.table import Means, change_table

METRICS = Path("data/metrics/runs")


@stage
@click.argument("revision", default="HEAD")
@click.option(
    "--metrics", type=click.Path(path_type=Path), default=METRICS, help="Folder of the means."
)
def main(revision: str, metrics: Path) -> None:
    """Print each system's measures here, and their change since a git REVISION."""
    after = means_here(metrics)
    click.echo(change_table(means_of(revision, metrics), after, revision))


def means_here(folder: Path) -> Means:
    """The means that the last evaluation left."""
    means = {path.stem: read_json(path) for path in sorted(folder.glob("*.json"))}
    if not means:
        raise UserError(f"{folder}: holds no measures; run make repro")
    return means


def means_of(revision: str, folder: Path) -> Means:
    """The means as they were committed in a revision.

    Raises:
        UserError: git knows no such revision, or it holds no measures.

    """
    files = _git("ls-tree", "--name-only", "--", revision, f"{folder}/").splitlines()
    if not files:
        raise UserError(f"{revision}: holds no {folder}; name a revision that does")
    return {Path(file).stem: json.loads(_git("show", f"{revision}:./{file}")) for file in files}


def _git(*arguments: str) -> str:
    done = subprocess.run(["git", *arguments], capture_output=True, text=True, check=False)  # noqa: S603, S607
    if done.returncode:
        raise UserError(f"git {arguments[0]}: {' '.join(done.stderr.split())}")
    return done.stdout


if __name__ == "__main__":
    main()
