"""Encodes the corpus once for a model."""

import shutil
from pathlib import Path

import click
import numpy as np

from stages.command import PARAMS, path_option, stage
from stages.lib.collection import Texts, read_corpus
from stages.lib.encoder import Vectors, dimension, encode, load_encoder, towers
from stages.lib.files import building, read_text, write_json, writing
from stages.lib.models import content_hash
from stages.lib.params import read_params


@stage
@path_option("--corpus", help="corpus.jsonl of the collection.")
@path_option("--model", help="The model's folder.")
@click.option(
    "--known",
    type=click.Path(path_type=Path),
    help="Vectors of this corpus, taken over where the same document encoder made them.",
)
@path_option("--out", help="Folder for the vectors.")
@PARAMS
def main(corpus: Path, model: Path, known: Path | None, out: Path, params: Path) -> None:
    """Encode the corpus: vectors.npy, a row a document, in the order of doc_ids.json."""
    made_by = content_hash(towers(model)[1])
    if known and read_text(known / "encoder.txt") == made_by:
        print("The document encoder is the same: its vectors are taken over.")
        with building(out) as folder:
            shutil.copytree(known, folder, dirs_exist_ok=True)
        return
    encoder_params = read_params(params).encoder
    documents = read_corpus(corpus)
    encoder = load_encoder(towers(model)[1], encoder_params)
    with building(out) as folder:
        with (folder / "vectors.npy").open("wb") as file:
            shape = (len(documents), dimension(encoder))
            header = {"descr": "<f4", "fortran_order": False, "shape": shape}
            np.lib.format.write_array_header_1_0(file, header)

            def write(_: int, block: Vectors) -> None:
                file.write(block.astype("<f4", copy=False).tobytes())

            encode(
                encoder,
                Texts(documents),
                encoder_params.document_prefix,
                write,
                label=f"encode by {model.name}",
            )
        write_json(folder / "doc_ids.json", list(documents))
        with writing(folder / "encoder.txt") as file:
            file.write(made_by + "\n")


if __name__ == "__main__":
    main()
