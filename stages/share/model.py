"""Assembles the folder to take home: model, ONNX variants, document vectors and card."""

from pathlib import Path

import click

from stages.cli import PARAMS, path_option, stage
from stages.lib.core.files import building, writing
from stages.lib.core.hashes import file_hash


@stage
@click.option("--outputs", type=click.Path(path_type=Path), default=Path(), help="The project.")
@click.option(
    "--unless-of",
    type=click.Path(path_type=Path),
    help="DVC's lock file; nothing is done where the folder was assembled from this very one.",
)
@path_option("--out", help="Folder to take home.")
@PARAMS
def main(outputs: Path, unless_of: Path | None, out: Path, params: Path) -> str | None:
    """Assemble one folder that sentence-transformers loads by itself."""
    stamp = out.with_name(f".{out.name}.lock")
    lock = file_hash(unless_of) if unless_of and unless_of.is_file() else ""
    if lock and out.is_dir() and stamp.is_file() and stamp.read_text().strip() == lock:
        return None
    # these take longer to load than to see that there is nothing to do
    from stages.lib.params import read_params
    from stages.lib.publishing.outputs import Outputs, assemble_outputs

    stamp.unlink(missing_ok=True)
    with building(out) as folder:
        place = out.as_posix()
        assemble_outputs(Outputs(outputs), read_params(params), folder, place, on_hub=False)
    if lock:
        with writing(stamp) as file:
            file.write(lock + "\n")
    size = sum(file.stat().st_size for file in out.rglob("*") if file.is_file())
    return f"model: {out} with {size / 1e6:,.0f} MB, its card in {out / 'README.md'}"


if __name__ == "__main__":
    main()
