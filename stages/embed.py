"""Encodes the corpus once for a model."""

import shutil
from collections.abc import Sequence
from pathlib import Path

import click
import numpy as np

from stages.cli import PARAMS, path_option, stage
from stages.lib.core.collection import Texts, read_corpus
from stages.lib.core.files import building
from stages.lib.core.hashes import content_hash
from stages.lib.core.text import all_sentences
from stages.lib.encoding.encoder import Vectors, dimension, encode, load_encoder, towers
from stages.lib.encoding.vectors import describe_vectors, made_by
from stages.lib.params import read_params


@stage
@path_option("--corpus", help="corpus.jsonl of the collection.")
@path_option("--model", help="The model's folder.")
@click.option(
    "--known",
    type=click.Path(path_type=Path),
    help="Vectors of this corpus, taken over where the same document encoder made them.",
)
@click.option(
    "--with-sentences",
    is_flag=True,
    help="Encode each document's sentences too, unless embed.sentences is false.",
)
@path_option("--out", help="Folder for the vectors.")
@PARAMS
def main(
    corpus: Path,
    model: Path,
    known: Path | None,
    with_sentences: bool,
    out: Path,
    params: Path,
) -> None:
    """Encode the corpus: vectors.npy, a row a document, in the order of doc_ids.json."""
    if (model / "vectors").is_dir():
        print("The model brings vectors of the documents.")
        with building(out) as folder:
            shutil.copytree(model / "vectors", folder, dirs_exist_ok=True)
        return
    encoder_hash = content_hash(towers(model)[1])
    if known and made_by(known) == encoder_hash:
        print("The document encoder is the same: its vectors are taken over.")
        with building(out) as folder:
            only_documents = shutil.ignore_patterns("sentence*")
            shutil.copytree(known, folder, ignore=only_documents, dirs_exist_ok=True)
        return
    settings = read_params(params)
    documents = read_corpus(corpus)
    encoder = load_encoder(towers(model)[1], settings.encoder)

    def write(path: Path, texts: Sequence[str], label: str) -> None:
        shape = (len(texts), dimension(encoder))
        header = {"descr": "<f4", "fortran_order": False, "shape": shape}
        with path.open("wb") as file:
            np.lib.format.write_array_header_1_0(file, header)

            def append(_: int, block: Vectors) -> None:
                file.write(block.astype("<f4", copy=False).tobytes())

            encode(encoder, texts, settings.encoder.document_prefix, append, label=label)

    with building(out) as folder:
        write(folder / "vectors.npy", Texts(documents), f"encode by {model.name}")
        if with_sentences and settings.embed.sentences:
            pieces, starts = all_sentences(documents)
            write(folder / "sentences.npy", pieces, "encode sentences")
            np.save(folder / "sentence_starts.npy", np.array(starts, np.int64))
        describe_vectors(folder, list(documents), encoder_hash)


if __name__ == "__main__":
    main()
