"""Fetches the base model by name and revision."""

import os
from pathlib import Path

from stages.command import PARAMS, path_option, stage
from stages.lib.files import building
from stages.lib.models import (
    check_code,
    check_size,
    check_tokenizer,
    check_weights,
    copy_model,
    locate,
)
from stages.lib.params import read_params


@stage
@path_option("--out", help="Folder for the model.")
@PARAMS
def main(params: Path, out: Path) -> None:
    """Fetch the base model and check that the pipeline can use it."""
    os.environ["HF_HUB_OFFLINE"] = "0"
    base = read_params(params).base
    with building(out) as folder:
        copy_model(locate(base.model, base.revision), folder)
        check_code(folder, base.model, base.custom_code)
        check_weights(folder, base.sha256)
        check_size(folder)
        check_tokenizer(folder)


if __name__ == "__main__":
    main()
