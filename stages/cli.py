"""The edge of a stage: what click, the terminal and exit codes see."""

import functools
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import ParamSpec

import click

from stages.lib.errors import UserError

# No stage talks to a hub unless it has to: `base` alone lifts this.
os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")

PARAMS = click.option(
    "--params",
    type=click.Path(path_type=Path),
    default=Path("params.yaml"),
    show_default=True,
    help="The parameters' file.",
)

P = ParamSpec("P")


def path_option(name: str, help: str) -> Callable[[Callable[P, None]], Callable[P, None]]:
    """A required option that names a file or a folder."""
    return click.option(name, type=click.Path(path_type=Path), required=True, help=help)


def stage(function: Callable[P, None]) -> click.Command:
    """Makes a stage's function a command; what the user can mend ends as one line and exit 1."""

    @functools.wraps(function)
    def run(*args: P.args, **kwargs: P.kwargs) -> None:
        try:
            function(*args, **kwargs)
        except UserError as error:
            raise click.ClickException(str(error)) from error
        except KeyboardInterrupt:
            click.echo("Stopped.", err=True)
            sys.exit(130)

    return click.command(context_settings={"show_default": True})(run)
