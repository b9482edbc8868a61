"""Probes: texts of which a package knows the vectors, to hold Vespa's embedders against.

A model behaves otherwise in Vespa where pooling, a prefix, truncation or the tokenizer is not what
the export had, or where a processor computes int8 in another way. Rankings show that late and
without a name; the vectors of a few texts show it at once.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from stages.lib.core import seeds
from stages.lib.core.collection import Corpus, contents
from stages.lib.core.files import read_jsonl, write_jsonl
from stages.lib.encoding.encoder import Vectors
from stages.lib.errors import UserError
from stages.lib.export.folder import load_onnx
from stages.lib.export.parity import HARD_TEXTS, unit_vectors
from stages.lib.search.vector_types import prefix
from stages.lib.vespa.package.feed import floats, hexadecimal
from stages.lib.vespa.package.served import ServedModel

DRAWN = 8
"""Texts from the corpus, beside the hard ones."""


@dataclass(frozen=True, slots=True)
class Probes:
    """What Vespa is asked about, and the unit vectors that it should have.

    `names` are the texts of queries, or the doc_ids of documents; `vectors` are (names,
    dimensions), of as many dimensions as the model keeps.
    """

    names: tuple[str, ...]
    vectors: Vectors


def query_probes(corpus: Corpus, folder: Path, model: ServedModel, seed: int) -> Probes:
    """Texts, with the vectors that the exported query tower in `folder` gives them here.

    Blank texts are none: Vespa gives them a vector of zeros, without asking the model.
    """
    texts = [*filter(str.strip, HARD_TEXTS), *contents(corpus, _drawn(corpus, seed))]
    before = model.query.settings.query_prefix
    return Probes(tuple(texts), _vectors(folder, model, before, texts))


def document_probes(corpus: Corpus, folder: Path, model: ServedModel, seed: int) -> Probes:
    """Documents, with the vectors of the exported document tower in `folder`.

    None where Vespa embeds no documents, and none where it keeps signs, which tell no cosine.
    """
    doc_ids = _drawn(corpus, seed)
    if model.filling == "fed" or model.vector_type == "binary" or not doc_ids:
        return Probes((), np.empty((0, model.dimension), dtype=np.float32))
    before = model.document.settings.document_prefix
    texts = contents(corpus, doc_ids)
    return Probes(tuple(doc_ids), _vectors(folder, model, before, texts))


def _drawn(corpus: Corpus, seed: int) -> list[str]:
    doc_ids = seeds.shuffled(seed, corpus, "probes")[:DRAWN]
    return [doc_id for doc_id in doc_ids if corpus[doc_id].contents]


def _vectors(folder: Path, model: ServedModel, before: str, texts: Sequence[str]) -> Vectors:
    whole = unit_vectors(load_onnx(folder), [before + text for text in texts])
    return prefix(whole, model.dimension)


def write_probes(path: Path, probes: Probes) -> None:
    """Writes a probe a line, its vector in hexadecimal."""
    rows = zip(probes.names, hexadecimal(probes.vectors, "float"), strict=True)
    write_jsonl(path, ({"name": name, "vector": vector} for name, vector in rows))


def read_probes(path: Path) -> Probes:
    """Reads what `write_probes` wrote."""
    if not path.is_file():
        raise UserError(f"{path}: no such file; run dvc repro package")
    rows = [row for _, row in read_jsonl(path)]
    vectors = [floats(row["vector"], "float") for row in rows]
    return Probes(tuple(row["name"] for row in rows), np.array(vectors, dtype=np.float32))
