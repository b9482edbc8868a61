"""Removes the models that no longer serve."""

from pathlib import Path

import click

from stages.cli import PARAMS, SCRATCH, path_option, stage
from stages.lib.params import read_params
from stages.lib.vespa.operate.history import prune
from stages.lib.vespa.operate.site import open_site


@stage
@path_option("--templates", help="The folder of the application package's templates.")
@PARAMS
def main(templates: Path, params: Path) -> None:
    """Removes the models that no longer serve."""
    with open_site(templates, read_params(params), "prune", SCRATCH) as site:
        click.echo(prune(site).summary)


if __name__ == "__main__":
    main()
