"""Flips back to the model that served before."""

from pathlib import Path

import click

from stages.cli import PARAMS, SCRATCH, path_option, stage
from stages.lib.params import read_params
from stages.lib.vespa.operate.history import roll_back
from stages.lib.vespa.operate.site import open_site


@stage
@path_option("--templates", help="The folder of the application package's templates.")
@PARAMS
def main(templates: Path, params: Path) -> None:
    """Flips back to the model that served before."""
    with open_site(templates, read_params(params), "rollback", SCRATCH) as site:
        click.echo(roll_back(site).summary)


if __name__ == "__main__":
    main()
