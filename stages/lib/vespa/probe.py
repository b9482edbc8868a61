"""Probes: texts of which a package knows the vectors, to hold Vespa's embedder against.

A model behaves otherwise in Vespa where pooling, a prefix, truncation or the tokenizer is not what
the export had, or where a processor computes int8 in another way. Rankings show that late and
without a name; the vectors of a few texts show it at once.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from stages.lib import seeds
from stages.lib.collection import Corpus, contents
from stages.lib.encoder import Vectors
from stages.lib.errors import UserError
from stages.lib.files import read_jsonl, write_jsonl
from stages.lib.onnx_folder import load_onnx
from stages.lib.parity import HARD_TEXTS, unit_vectors
from stages.lib.vectors import prefix
from stages.lib.vespa.feed import floats, hexadecimal
from stages.lib.vespa.generation import Generation

DRAWN = 8
"""Texts from the corpus, beside the hard ones."""


@dataclass(frozen=True, slots=True)
class Probes:
    """Texts as users would ask them, and the unit vectors that they should get.

    `vectors` are (texts, dimensions), of as many dimensions as the generation keeps.
    """

    texts: tuple[str, ...]
    vectors: Vectors


def make_probes(corpus: Corpus, folder: Path, generation: Generation, seed: int) -> Probes:
    """Probes with the vectors that the exported query tower in `folder` gives them here.

    Blank texts are none: Vespa gives them a vector of zeros, without asking the model.
    """
    drawn = contents(corpus, seeds.shuffled(seed, corpus, "probes")[:DRAWN])
    texts = tuple(text for text in (*HARD_TEXTS, *drawn) if text.strip())
    before = generation.query.settings.query_prefix
    whole = unit_vectors(load_onnx(folder), [before + text for text in texts])
    return Probes(texts, prefix(whole, generation.dimension))


def write_probes(path: Path, probes: Probes) -> None:
    """Writes a probe a line, its vector in hexadecimal."""
    rows = zip(probes.texts, hexadecimal(probes.vectors, "float"), strict=True)
    write_jsonl(path, ({"text": text, "vector": vector} for text, vector in rows))


def read_probes(path: Path) -> Probes:
    """Reads what `write_probes` wrote."""
    if not path.is_file():
        raise UserError(f"{path}: no such file; run dvc repro package")
    rows = [row for _, row in read_jsonl(path)]
    vectors = [floats(row["vector"], "float") for row in rows]
    return Probes(tuple(row["text"] for row in rows), np.stack(vectors))
