"""Prints the comparison of systems that `evaluate` left, and where its report lies."""

from pathlib import Path

import click

from stages.cli import stage
from stages.lib.core.files import read_json
from stages.lib.evaluation.table import comparison_table

METRICS = Path("data/metrics/evaluate.json")
REPORT = Path("data/evaluation/report.html")


@stage
@click.option("--metrics", type=click.Path(path_type=Path), default=METRICS, help="The metrics.")
@click.option("--report", type=click.Path(path_type=Path), default=REPORT, help="The report.")
def main(metrics: Path, report: Path) -> None:
    """Print the comparison of systems."""
    click.echo(comparison_table(read_json(metrics)))
    click.echo(f"Report: {report}")


if __name__ == "__main__":
    main()
