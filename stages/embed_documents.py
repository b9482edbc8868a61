"""Encodes the corpus by the bigger model that documents.model names."""

from pathlib import Path

from stages.cli import PARAMS, PROCESSES, path_option, stage
from stages.lib.core.collection import Texts, read_corpus
from stages.lib.core.files import building, has_files, leave_unused
from stages.lib.llm.session import ask_nothing
from stages.lib.params import read_params

OFF = "documents.model names no model"


@stage
@path_option("--corpus", help="corpus.jsonl of the collection.")
@path_option("--model", help="Folder of documents.model; empty where none is named.")
@path_option("--store", help="What an endpoint answered.")
@path_option("--out", help="Folder for the vectors; empty where no model is named.")
@PROCESSES
@PARAMS
def main(
    corpus: Path, model: Path, store: Path, out: Path, processes: int | None, params: Path
) -> str:
    """Encode the corpus: vectors.npy, a row a document, in the order of doc_ids.json."""
    settings = read_params(params)
    if not has_files(model):
        leave_unused(out, OFF)
        ask_nothing(store)
        return f"embed_documents: {OFF}"
    # imported here, for a stage that is off would do little else
    from stages.lib.embedders.embedder import open_embedder
    from stages.lib.encoding.store import forget_unfinished
    from stages.lib.encoding.vectors import describe_vectors, encoder_hash

    documents = read_corpus(corpus)
    key = "documents.model"
    embedder = open_embedder(model, settings.documents, settings, store, key, processes)
    with building(out) as folder:
        width = embedder.write_documents(folder / "vectors.npy", Texts(documents), out)
        describe_vectors(folder, list(documents), encoder_hash(model))
    embedder.save()
    forget_unfinished(out)
    return (
        f"embed_documents: {len(documents):,} documents, encoded by {settings.documents.model} in "
        f"{width} dimensions"
    )


if __name__ == "__main__":
    main()
