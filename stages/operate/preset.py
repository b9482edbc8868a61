"""Sets params.yaml for a known collection; no stage of the pipeline, but what comes before one."""

from pathlib import Path

import click

from stages.cli import PARAMS, path_option, stage
from stages.lib.presets import apply_preset, read_preset


@stage
@path_option("--presets", help="Folder of presets.")
@click.argument("name")
@PARAMS
def main(presets: Path, name: str, params: Path) -> None:
    """Set the values of the preset NAME in params.yaml; `git checkout params.yaml` undoes it."""
    for change in apply_preset(params, read_preset(presets, name)):
        click.echo(change)


if __name__ == "__main__":
    main()
