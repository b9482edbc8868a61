"""Uploads the model with its card to a hub; says what it would upload unless told to."""

import os
import re
from pathlib import Path

import click

from stages.cli import PARAMS, path_option, stage
from stages.lib.core.files import building
from stages.lib.errors import UserError
from stages.lib.params import read_params

NAME = re.compile(r"[\w.-]+/[\w.-]+")


@stage
@click.argument("repo")
@click.option("--outputs", type=click.Path(path_type=Path), default=Path(), help="The project.")
@path_option("--out", help="Folder that is assembled, and uploaded.")
@click.option("--upload", is_flag=True, help="Upload; else only say what would be.")
@click.option("--update", is_flag=True, help="The hub may have a model of this name.")
@PARAMS
def main(
    repo: str, outputs: Path, out: Path, upload: bool, update: bool, params: Path
) -> str | None:
    """Assemble the folder to take home, and upload it as REPO, a name on the hub: you/name."""
    if not NAME.fullmatch(repo):
        raise UserError(f"{repo!r} is no name on a hub; give REPO=you/name")
    # read when the hub's client is imported, so that this comes before what imports it
    os.environ["HF_HUB_OFFLINE"] = "0"
    from stages.lib.publishing.hub import upload as upload_folder
    from stages.lib.publishing.outputs import Outputs, assemble_outputs

    with building(out) as folder:
        assemble_outputs(Outputs(outputs), read_params(params), folder, repo, on_hub=True)
    files = sorted(path for path in out.rglob("*") if path.is_file())
    size = sum(file.stat().st_size for file in files)
    if upload:
        return f"publish: {size / 1e6:,.0f} MB at {upload_folder(out, repo, update=update)}"
    for file in files:
        click.echo(f"{file.stat().st_size:14,} {file.relative_to(out).as_posix()}")
    click.echo(f"{size:14,} bytes would become {repo}; add UPLOAD=1 to upload them")
    return None


if __name__ == "__main__":
    main()
