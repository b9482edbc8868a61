"""Fetches the models by name and revision: the base and, where one is named, the teacher."""

import os
from pathlib import Path

from stages.cli import PARAMS, path_option, stage
from stages.lib.core.files import building
from stages.lib.encoding.hub import (
    check_code,
    check_size,
    check_tokenizer,
    check_weights,
    copy_model,
    locate,
)
from stages.lib.params import read_params


@stage
@path_option("--out", help="Folder for the base model.")
@path_option("--teacher", help="Folder for the cross-encoder; empty where none is named.")
@PARAMS
def main(params: Path, out: Path, teacher: Path) -> str:
    """Fetch the models and check that the pipeline can use the base."""
    os.environ["HF_HUB_OFFLINE"] = "0"
    settings = read_params(params)
    base, mine = settings.base, settings.mine
    with building(out) as folder:
        copy_model(locate(base.model, base.revision, "base.model"), folder)
        check_code(folder, base.model, base.custom_code)
        check_weights(folder, base.sha256)
        check_size(folder)
        check_tokenizer(folder)
        size = sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())
    with building(teacher) as folder:
        if mine.cross_encoder:
            source = locate(mine.cross_encoder, mine.cross_encoder_revision, "mine.cross_encoder")
            copy_model(source, folder)
    beside = f"cross-encoder {mine.cross_encoder}" if mine.cross_encoder else "no cross-encoder"
    return f"base: {base.model} with {size / 1e6:,.0f} MB, {beside}"


if __name__ == "__main__":
    main()
