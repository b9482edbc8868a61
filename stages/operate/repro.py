"""Runs what changed in the pipeline, and tells a line a stage: what it did."""

import logging

import click

from stages.cli import stage
from stages.lib.errors import UserError
from stages.operate.mend import mended


@stage
def main() -> str:
    """Mend what a killed DVC left, and run the stages whose inputs changed, as `dvc repro` does."""
    done = mended()
    if done:
        click.echo(done)
    from dvc.exceptions import DvcException
    from dvc.repo import Repo

    # DVC warns of each output that is empty on purpose, of a stage that is off
    logging.getLogger("dvc").setLevel(logging.ERROR)
    try:
        # as a library DVC names no commands and gives no advice; what stages print is shown
        with Repo() as repo:
            ran = repo.reproduce()
            if all(one.always_changed for one in ran):
                click.echo("Nothing has changed since the last run.")
                return ""
            known = len(list(repo.index.stages))
    except DvcException as error:
        raise UserError(_words(error)) from error
    return f"repro: {len(ran)} of {known} stages ran or were found in the cache"


def _words(error: BaseException) -> str:
    """What went wrong, with its cause; a stage that failed has told itself why."""
    said = [str(error)]
    while error.__cause__ is not None:
        error = error.__cause__
        said.append(str(error))
    return ": ".join(dict.fromkeys(" ".join(each.split()) for each in said if each))


if __name__ == "__main__":
    main()
