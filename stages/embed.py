"""Encodes the corpus once for a model."""

import shutil
from pathlib import Path

import click
import numpy as np

from stages.cli import PARAMS, PROCESSES, path_option, stage
from stages.lib.core.collection import Texts, read_corpus
from stages.lib.core.files import building, has_files
from stages.lib.core.text import all_sentences
from stages.lib.encoding.encoder import dimension, load_encoder, towers
from stages.lib.encoding.store import VectorStore, forget_unfinished
from stages.lib.encoding.vectors import (
    count_vectors,
    describe_vectors,
    encoder_hash,
    made_by,
    write_vectors,
)
from stages.lib.encoding.workers import encoding
from stages.lib.params import read_params


@stage
@path_option("--corpus", help="corpus.jsonl of the collection.")
@path_option("--model", help="The model's folder.")
@click.option(
    "--vectors",
    type=click.Path(path_type=Path),
    multiple=True,
    help="Vectors of this corpus, taken over where the same document encoder made them; "
    "repeatable.",
)
@click.option(
    "--with-sentences",
    is_flag=True,
    help="Encode each document's sentences too, unless embed.sentences is false.",
)
@path_option("--out", help="Folder for the vectors.")
@PROCESSES
@PARAMS
def main(
    corpus: Path,
    model: Path,
    vectors: tuple[Path, ...],
    with_sentences: bool,
    out: Path,
    processes: int | None,
    params: Path,
) -> str:
    """Encode the corpus: vectors.npy, a row a document, in the order of doc_ids.json."""
    if (model / "vectors").is_dir():
        with building(out) as folder:
            shutil.copytree(model / "vectors", folder, dirs_exist_ok=True)
        return f"embed: {count_vectors(out):,} documents, vectors of the model taken over"
    made_of = encoder_hash(towers(model)[1])
    made = {made_by(other): other for other in vectors if has_files(other)}
    if made_of in made:
        with building(out) as folder:
            only_documents = shutil.ignore_patterns("sentence*")
            shutil.copytree(made[made_of], folder, ignore=only_documents, dirs_exist_ok=True)
        return f"embed: {count_vectors(out):,} documents, vectors of the same encoder taken over"
    settings = read_params(params)
    documents = read_corpus(corpus)
    # two towers are a tuned model's, whose documents another model may encode
    used = settings.document_encoder if len({*towers(model)}) > 1 else settings.encoder
    tower = towers(model)[1]
    encoder = load_encoder(tower, used)
    prefix = used.document_prefix
    counts = f"{len(documents):,} documents"
    store = VectorStore(out, made_of, dimension(encoder))
    with building(out) as folder, encoding(encoder, tower, used, processes) as encode:
        label = f"encode by {model.name}"
        path = folder / "vectors.npy"
        encoded = write_vectors(path, encode, Texts(documents), prefix, label, store)
        if with_sentences and settings.embed.sentences:
            pieces, starts = all_sentences(documents)
            path = folder / "sentences.npy"
            encoded += write_vectors(path, encode, pieces, prefix, "encode sentences", store)
            np.save(folder / "sentence_starts.npy", np.array(starts, np.int64))
            counts += f" and their {len(pieces):,} sentences"
        describe_vectors(folder, list(documents), made_of)
    forget_unfinished(out)
    return (
        f"embed: {counts}, {encoded:,} of them encoded by {model.name} in {dimension(encoder)} "
        "dimensions"
    )


if __name__ == "__main__":
    main()
