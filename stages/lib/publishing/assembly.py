"""The folder that users take home: the model, its variants in ONNX and its document vectors."""

import shutil
from collections.abc import Collection
from pathlib import Path

import numpy as np
import pyarrow
from pyarrow import parquet

from stages.lib.core.files import read_json
from stages.lib.encoding.encoder import towers
from stages.lib.encoding.remote import is_remote
from stages.lib.encoding.vectors import TRAINED, made_by, read_rows
from stages.lib.export.embedder import read_embedder

FILES = {"fp32": "model.onnx", "fp16": "model_fp16.onnx", "int8": "model_int8.onnx"}
"""The names under which sentence-transformers looks for the variants, in a folder `onnx`."""

POOLED = "onnx_pooled"
"""The folder of graphs that pool by themselves, which sentence-transformers cannot run."""


def assemble(
    model: Path, onnx: Path, vectors: Path, variants: Collection[str], folder: Path
) -> None:
    """Fills a folder with all but the card.

    Args:
        model: the tuned model.
        onnx: its exported variants.
        vectors: its vectors of the corpus, which go with it where no encoder gives them.
        variants: those that passed their gate.
        folder: gets the files.

    """
    unused = shutil.ignore_patterns("vectors", "source.json", "README.md")
    # DVC's files may not be written; what is taken home may be
    shutil.copytree(model, folder, ignore=unused, dirs_exist_ok=True, copy_function=shutil.copyfile)
    query, document = towers(model)
    remote = is_remote(document)
    for tower in dict.fromkeys([query] if remote else [query, document]):
        place = tower.relative_to(model)
        for variant in sorted(variants):
            exported = onnx / place / variant
            pools = read_embedder(exported).pooling == "none"
            target = folder / place / (POOLED if pools else "onnx") / FILES[variant]
            target.parent.mkdir(exist_ok=True)
            shutil.copyfile(exported / "model.onnx", target)
    if data_belong(model, vectors):
        write_data(vectors, folder / "vectors")


def data_belong(model: Path, vectors: Path) -> bool:
    """Whether the documents' vectors belong to the model, because no encoder in it gives them."""
    return made_by(vectors) == TRAINED or is_remote(towers(model)[1])


def write_data(vectors: Path, folder: Path) -> None:
    """Copies vectors as data: npy with the ids beside it, and both in one parquet file.

    They are float32 there, which every index takes.
    """
    folder.mkdir()
    shutil.copyfile(vectors / "doc_ids.json", folder / "doc_ids.json")
    rows = read_rows(vectors / "vectors.npy")
    np.save(folder / "vectors.npy", rows)
    values = pyarrow.array(rows.reshape(-1))
    table = pyarrow.table(
        {
            "doc_id": pyarrow.array(read_json(vectors / "doc_ids.json"), pyarrow.string()),
            "vector": pyarrow.FixedSizeListArray.from_arrays(values, rows.shape[1]),
        }
    )
    parquet.write_table(table, folder / "vectors.parquet")
