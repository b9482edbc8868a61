"""Starts Vespa on this machine, in Docker."""

import click

from stages.cli import stage
from stages.lib.vespa.operate.docker import start


@stage
@click.option("--wait", default=300, help="Seconds to wait for the config server.")
def main(wait: int) -> None:
    """Start Vespa and wait until it can be deployed to."""
    start(wait)
    click.echo("Vespa runs: deploys go to 127.0.0.1:19071, searches to 127.0.0.1:8080")


if __name__ == "__main__":
    main()
