"""Removes the models that no longer serve."""

import os
import tempfile
from pathlib import Path

import click

from stages.cli import PARAMS, path_option, stage
from stages.lib.params import read_params
from stages.lib.vespa.operate.site import Site
from stages.lib.vespa.operate.swap import prune
from stages.lib.vespa.search.connection import connect


@stage
@path_option("--templates", help="The folder of the application package's templates.")
@PARAMS
def main(templates: Path, params: Path) -> None:
    """Removes the models that no longer serve."""
    connection = connect(os.environ)
    with tempfile.TemporaryDirectory() as scratch:
        application = prune(Site(connection, templates, read_params(params), Path(scratch)))
    click.echo(f"{application.live} serves; on the shelf: {application.previous or 'nothing'}")


if __name__ == "__main__":
    main()
