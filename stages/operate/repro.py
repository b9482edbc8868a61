"""Runs what changed in the pipeline, and tells a line a stage: what it did."""

import logging
from pathlib import Path
from typing import TYPE_CHECKING

import click

from stages.cli import PARAMS, stage
from stages.lib.errors import UserError
from stages.operate.mend import mended

if TYPE_CHECKING:
    from dvc.repo import Repo

FETCH = "base"
"""The stage that always runs, since a model may be a folder of the user's."""

NOTHING = "Nothing has changed since the last run."


@stage
@PARAMS
def main(params: Path) -> str:
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
            if _is_done(repo, params):
                click.echo(NOTHING)
                return ""
            ran = repo.reproduce()
            if all(one.always_changed for one in ran):
                click.echo(NOTHING)
                return ""
            known = len(list(repo.index.stages))
    except DvcException as error:
        raise UserError(_words(error)) from error
    return f"repro: {len(ran)} of {known} stages ran or were found in the cache"


def _is_done(repo: "Repo", params: Path) -> bool:
    """Whether nothing changed, and no model is a folder, so that `base` too has nothing to do.

    DVC would run `base` and write dvc.lock again as it was, which takes as long as all else.
    """
    if repo.status(targets=["dvc.yaml"]) != {FETCH: ["always changed"]}:
        return False
    from stages.lib.params import read_params

    return not any(Path(model).is_dir() for model in read_params(params).fetched_models)


def _words(error: BaseException) -> str:
    """What went wrong, with its cause; a stage that failed has told itself why."""
    said = [str(error)]
    while error.__cause__ is not None:
        error = error.__cause__
        said.append(str(error))
    return ": ".join(dict.fromkeys(" ".join(each.split()) for each in said if each))


if __name__ == "__main__":
    main()
