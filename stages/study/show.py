"""Prints the comparison of systems that `evaluate` left, and where its report lies."""

from pathlib import Path

import click

from stages.cli import stage
from stages.lib.core.files import read_json
from stages.lib.errors import UserError
from stages.lib.evaluation.table import comparison_table

SUMMARY = Path("data/metrics/evaluate.json")
REPORT = Path("data/evaluation/report.html")


@stage
@click.option("--summary", type=click.Path(path_type=Path), default=SUMMARY, help="The figures.")
@click.option("--report", type=click.Path(path_type=Path), default=REPORT, help="The report.")
def main(summary: Path, report: Path) -> None:
    """Print the comparison of systems."""
    if not summary.is_file():
        raise UserError(f"{summary}: no such file; run make repro")
    click.echo(comparison_table(read_json(summary)))
    click.echo(f"Report: {report}")


if __name__ == "__main__":
    main()
