"""Exports the tuned model to ONNX, and checks it against torch."""

from pathlib import Path

from stages.cli import PARAMS, path_option, stage
from stages.lib.core.collection import read_corpus, read_split
from stages.lib.core.files import building, write_json
from stages.lib.encoding.encoder import load_encoder, towers
from stages.lib.encoding.remote import is_remote
from stages.lib.encoding.vectors import load_vectors
from stages.lib.export.dev_check import check_retrieval, measured_texts, verdicts
from stages.lib.export.variants import export_variants
from stages.lib.params import read_params


@stage
@path_option("--corpus", help="corpus.jsonl of the collection.")
@path_option("--dev", help="The dev split made by people; may be empty.")
@path_option("--synthetic-dev", help="The synthetic dev split, used where the other is empty.")
@path_option("--model", help="The tuned model.")
@path_option("--vectors", help="The tuned model's vectors of the corpus.")
@path_option("--out", help="Folder for the exported variants.")
@path_option("--metrics", help="JSON file for parity and gate.")
@PARAMS
def main(
    corpus: Path,
    dev: Path,
    synthetic_dev: Path,
    model: Path,
    vectors: Path,
    out: Path,
    metrics: Path,
    params: Path,
) -> str:
    """Export fp32, fp16 and int8; int8 is judged by what it loses of dev nDCG@10."""
    settings = read_params(params)
    documents = read_corpus(corpus)
    by_people = read_split(dev)
    split = by_people or read_split(synthetic_dev)
    texts = measured_texts(documents, split, settings)
    load_vectors(vectors, documents)  # refuses those of another corpus now, not after the export
    with building(out) as folder:
        query, document = towers(model)
        # an endpoint's model has no files
        encoders = {query: settings.encoder}
        if document != query and not is_remote(document):
            encoders[document] = settings.document_encoder
        parity = {
            path.relative_to(model).as_posix(): export_variants(
                load_encoder(path, encoder).to("cpu"),
                texts,
                folder / path.relative_to(model),
                encoder,
                settings.export,
            )
            for path, encoder in encoders.items()
        }
        retrieval, loss = check_retrieval(
            documents,
            split,
            vectors,
            load_encoder(towers(model)[0], settings.encoder),
            folder,
            settings,
        )
        gate = verdicts(parity, loss, settings)
        figures = {
            "parity": parity,
            "dev": {"by": "people" if by_people else "synthetic"} | retrieval,
            "gate": {variant: verdict.row for variant, verdict in gate.items()},
        }
    write_json(metrics, figures)
    graphs = sum(map(len, parity.values()))
    refused = "; ".join(verdict.reason for verdict in gate.values() if not verdict.passed)
    return f"export: {graphs} graphs ({', '.join(gate)}), refused: {refused or 'none'}"


if __name__ == "__main__":
    main()
