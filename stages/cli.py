"""What every command shares: options, the line it prints, errors in one line, exit codes."""

import functools
import os
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

import click

import stages
from stages.lib.core.files import clear_leftovers
from stages.lib.errors import UserError

# No stage talks to a hub unless it has to: `base` alone lifts this.
os.environ.setdefault("HF_HUB_OFFLINE", "1")
# Nothing tells anybody what is done here; the libraries ask for their own names or the common one.
for switch in ("HF_HUB_DISABLE_TELEMETRY", "DO_NOT_TRACK", "DVC_NO_ANALYTICS"):
    os.environ.setdefault(switch, "1")
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")

PARAMS = click.option(
    "--params",
    type=click.Path(path_type=Path),
    default=Path("params.yaml"),
    show_default=True,
    help="The parameters' file.",
)

PROCESSES = click.option(
    "--processes",
    type=click.IntRange(min=1),
    envvar="EMBEDSMITH_PROCESSES",
    help="Processes that train or encode together; as many as there are GPUs unless given.",
)

SCRATCH = Path("data/deploy")
"""Where commands that deploy make what they send, and where what is left of a killed one goes."""

P = ParamSpec("P")
F = TypeVar("F", bound=Callable[..., Any])


def path_option(name: str, help: str) -> Callable[[F], F]:
    """A required option that names a file or a folder."""
    return click.option(name, type=click.Path(path_type=Path), required=True, help=help)


def stage(function: Callable[P, str | None]) -> click.Command:
    """Makes a function a command.

    The line that the function returns says what was done; it is printed with the seconds that this
    took. A fault that the user can mend is printed as one line too, and the exit code is 1.
    """

    @functools.wraps(function)
    def run(*args: P.args, **kwargs: P.kwargs) -> None:
        start = time.perf_counter()
        if signal.getsignal(signal.SIGINT) is stages._stop:
            # from here on, what is under way is left whole
            signal.signal(signal.SIGINT, signal.default_int_handler)
        try:
            for path in kwargs.values():
                if isinstance(path, Path):
                    clear_leftovers(path.parent)
            line = function(*args, **kwargs)
        except UserError as error:
            raise click.ClickException(str(error)) from error
        except OSError as error:
            if not error.filename:
                raise
            # a folder that may not be written, a disk that is full
            raise click.ClickException(f"{error.filename}: {error.strerror}") from error
        except KeyboardInterrupt:
            click.echo("Stopped.", err=True)
            sys.exit(130)
        if line:
            click.echo(f"{line}, {time.perf_counter() - start:.1f} s")

    return click.command(context_settings={"show_default": True})(run)
