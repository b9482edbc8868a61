"""Assembles what Vespa gets: the application package and the feed."""

from pathlib import Path

from stages.cli import PARAMS, path_option, stage
from stages.lib.core.collection import read_corpus
from stages.lib.core.files import building, read_json, write_json, write_jsonl
from stages.lib.encoding.vectors import load_vectors
from stages.lib.errors import UserError
from stages.lib.export.embedder import SIDES, tower_folder
from stages.lib.export.gate import next_best, read_verdicts
from stages.lib.params import read_params
from stages.lib.vespa.package.application import Application, ground_of
from stages.lib.vespa.package.feed import document_rows, vector_rows
from stages.lib.vespa.package.manifest import Manifest
from stages.lib.vespa.package.probe import document_probes, query_probes, write_probes
from stages.lib.vespa.package.rendering import write_application
from stages.lib.vespa.package.served import read_model


@stage
@path_option("--corpus", help="corpus.jsonl of the collection.")
@path_option("--onnx", help="The exported model.")
@path_option("--vectors", help="The model's vectors of the corpus.")
@path_option("--fusion", help="JSON file with the weights of the fusions with BM25.")
@path_option("--gate", help="JSON file of the export, with the verdict on each variant.")
@path_option("--templates", help="The folder of the application package's templates.")
@path_option("--out", help="Folder for the application package and the feed.")
@path_option("--metrics", help="JSON file for hashes, counts and sizes.")
@PARAMS
def main(
    corpus: Path,
    onnx: Path,
    vectors: Path,
    fusion: Path,
    gate: Path,
    templates: Path,
    out: Path,
    metrics: Path,
    params: Path,
) -> str:
    """Assemble the application package and its feed, and check what Vespa would check."""
    settings = read_params(params)
    package = settings.package
    documents = read_corpus(corpus)
    embedded = load_vectors(vectors, documents)
    passed = {name: verdict.passed for name, verdict in read_verdicts(gate).items()}
    variant = next_best(package.variant, passed)
    model = read_model(onnx, variant, vectors, settings, read_json(fusion)["tuned"])
    whole = model.document.settings.dimension
    if embedded.shape[1] != whole:
        raise UserError(
            f"{vectors}: vectors of {embedded.shape[1]} dimensions, but {onnx} gives {whole}; "
            "run dvc repro export"
        )
    manifest = Manifest(Application().adding(model).on(ground_of(settings)))
    query, document = (tower_folder(onnx, variant, side) for side in SIDES)
    towers = {model.query.hash: query, model.document.hash: document}
    probes = {
        "probes.jsonl": query_probes(documents, query, model, settings.seed),
        "document_probes.jsonl": document_probes(documents, document, model, settings.seed),
    }
    with building(out) as folder:
        write_application(folder / "application", manifest, templates, towers)
        write_jsonl(folder / "feed.jsonl", document_rows(package.name, documents))
        if model.filling == "fed":
            rows = vector_rows(
                package.name, list(documents), embedded, model.profile, model.fed_field
            )
            write_jsonl(folder / "vectors.jsonl", rows)
        for name, texts in probes.items():
            write_probes(folder / name, texts)
        files = filter(Path.is_file, (folder / "application").rglob("*"))
        size = sum(file.stat().st_size for file in files)
    write_json(
        metrics,
        {
            "documents": len(documents),
            "variant": variant,
            "dimension": model.dimension,
            "model": model.query.hash,
            "field": model.field,
            "dense_weight": model.dense_weight,
            "application_bytes": size,
        },
    )
    refused = (
        f", since {package.variant} was refused: see {gate}" if variant != package.variant else ""
    )
    return f"package: {len(documents):,} documents, {size / 1e6:.0f} MB, {variant}{refused}"


if __name__ == "__main__":
    main()
