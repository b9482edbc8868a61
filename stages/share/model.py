"""Assembles the folder to take home: model, ONNX variants, document vectors and card."""

from pathlib import Path

import click

from stages.cli import PARAMS, path_option, stage
from stages.lib.core.files import building
from stages.lib.params import read_params
from stages.lib.publishing.outputs import Outputs, assemble_outputs


@stage
@click.option("--outputs", type=click.Path(path_type=Path), default=Path(), help="The project.")
@path_option("--out", help="Folder to take home.")
@PARAMS
def main(outputs: Path, out: Path, params: Path) -> str:
    """Assemble one folder that sentence-transformers loads by itself."""
    with building(out) as folder:
        place = out.as_posix()
        assemble_outputs(Outputs(outputs), read_params(params), folder, place, on_hub=False)
    size = sum(file.stat().st_size for file in out.rglob("*") if file.is_file())
    return f"model: {out} with {size / 1e6:,.0f} MB, its card in {out / 'README.md'}"


if __name__ == "__main__":
    main()
