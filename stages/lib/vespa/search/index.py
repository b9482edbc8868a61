"""Indexes: vectors that the pipeline fed to search them exactly, and that serve nobody."""

from pathlib import Path

import numpy as np

from stages.lib.core.hashes import file_hash
from stages.lib.errors import UserError
from stages.lib.vespa.search.profile import Profile


def index_profile(vectors: Path) -> Profile:
    """The index of a folder of vectors, named by their hash; queries come as vectors too.

    Raises:
        UserError: there are no vectors.

    """
    path = vectors / "vectors.npy"
    try:
        dimension = int(np.load(path, mmap_mode="r").shape[1])
        name = file_hash(path, 12)
    except OSError as error:
        raise UserError(f"{path}: cannot be read; run dvc repro embed") from error
    return Profile(f"{name}_index", f"embedding_{name}_float_fed", "float", dimension)
