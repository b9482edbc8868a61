"""Measures every system on the test queries, and reports."""

from pathlib import Path

import click

from stages.cli import PARAMS, path_option, stage
from stages.lib.core.collection import read_corpus
from stages.lib.core.files import building, has_files, read_json, write_json, write_jsonl, writing
from stages.lib.encoding.projection import cross_fitted
from stages.lib.encoding.vectors import FITTED, TRAINED, load_vectors, made_by
from stages.lib.evaluation.comparison import evaluate, read_basis
from stages.lib.evaluation.newcomers import measure_newcomers
from stages.lib.evaluation.pictures import pictures
from stages.lib.evaluation.report import render
from stages.lib.evaluation.runs import write_run
from stages.lib.evaluation.served import SERVED, packaged, served_engine
from stages.lib.evaluation.systems import systems
from stages.lib.evaluation.table import headline
from stages.lib.evaluation.variants import SYSTEM, measure_serving
from stages.lib.export.folder import load_exported
from stages.lib.params import read_params
from stages.lib.retrievers import load_dense, load_known, load_lexical
from stages.lib.search.engine import Dense, Embedded

PICTURES = {"differences", "whom", "answers"}
"""Those that no template of DVC draws; the others are drawn from data, to compare revisions."""


@stage
@path_option("--collection", help="Folder of the collection.")
@path_option("--synthetic", help="Folder of the synthetic splits, used where no other is judged.")
@path_option("--fusion", help="JSON file with the weights of the fusions with BM25.")
@path_option("--base", help="The base model.")
@path_option("--base-vectors", help="The base model's vectors of the corpus.")
@path_option("--tuned", help="The tuned model.")
@path_option("--tuned-vectors", help="The tuned model's vectors of the corpus.")
@path_option("--others", help="Folder of other models' vectors, a folder a model.")
@path_option("--document-vectors", help="The vectors of documents.model; else empty.")
@path_option("--onnx", help="The exported model.")
@path_option("--export", help="JSON file with the parity of the exported variants.")
@click.option(
    "--stage-metrics",
    type=click.Path(path_type=Path),
    multiple=True,
    help="Figures of another stage that the report tells of, by the file's name; repeatable.",
)
@path_option("--out", help="Folder for runs, per-query scores, plots and report.")
@path_option("--metrics", help="Folder for the means, a JSON file a system.")
@path_option("--summary", help="JSON file for all figures: means, comparisons, variants, types.")
@PARAMS
def main(
    collection: Path,
    synthetic: Path,
    fusion: Path,
    base: Path,
    base_vectors: Path,
    tuned: Path,
    tuned_vectors: Path,
    others: Path,
    document_vectors: Path,
    onnx: Path,
    export: Path,
    stage_metrics: tuple[Path, ...],
    out: Path,
    metrics: Path,
    summary: Path,
    params: Path,
) -> str:
    """Write a TREC run a system, scores, significance and the report."""
    settings = read_params(params)
    corpus = read_corpus(collection / "corpus.jsonl")
    basis = read_basis(collection, synthetic)
    models: dict[str, Dense] = {
        "base": load_dense(corpus, base, base_vectors, settings),
        "tuned": load_dense(corpus, tuned, tuned_vectors, settings),
    }
    variants = {"int8": load_exported(corpus, onnx, "int8", tuned_vectors, settings)}
    serves = packaged(export, settings.package)
    if serves not in variants:
        variants[serves] = load_exported(corpus, onnx, serves, tuned_vectors, settings)
    lexical, weights = load_lexical(corpus, settings), read_json(fusion)
    stages = {path.stem: read_json(path) for path in stage_metrics}
    measured = stages.get("others") or {"rows": []}
    stock = {row["name"]: row["dense_weight"] for row in measured["rows"] if row["name"] != "base"}
    for name in stock:
        own = others / name / "documents"
        vectors = own if own.is_dir() else document_vectors  # those of documents.model
        models[name] = load_known(corpus, vectors, others / name / "queries")
    engines = systems(lexical, models, weights | stock)
    engines["int8"] = Embedded(variants["int8"])
    engines[SERVED] = served_engine(variants[serves], lexical, weights["tuned"], settings.package)

    evaluation = evaluate(engines, corpus, basis, settings.evaluate, settings.seed, [*stock])
    serving = measure_serving(
        evaluation, corpus, models[SYSTEM], onnx, tuned_vectors, read_json(export), settings
    )
    drawn = pictures(evaluation, settings, stages, serving)
    report = render(evaluation, corpus, settings, stages, serving, drawn)

    with building(out) as folder:
        for system, run in evaluation.runs.items():
            write_run(folder / "runs" / f"{system}.trec", run, system)
        write_jsonl(folder / "per_query.jsonl", evaluation.rows())
        write_json(folder / "deltas.json", evaluation.plot(SERVED))
        write_json(folder / "vector_types.json", serving.plot())
        for name in PICTURES & drawn.keys():
            with writing(folder / "pictures" / f"{name}.svg") as file:
                file.write(drawn[name])
        with writing(folder / "report.html") as file:
            file.write(report)
    with building(metrics) as folder:
        for system, row in evaluation.means().items():
            write_json(folder / f"{system}.json", row)
    figures = evaluation.summary() | serving.summary()
    if made_by(tuned_vectors) == TRAINED:
        # where vectors are trained, documents are encoded by documents.model or by the base, which
        # was fitted to where training moved them: here without the documents that it is tried on
        other = has_files(document_vectors)
        encoded = load_vectors(document_vectors if other else base_vectors, corpus)
        if (tuned_vectors / FITTED).is_file():
            encoded = cross_fitted(encoded, models["tuned"].vectors, settings.seed)
        figures |= measure_newcomers(models["tuned"], encoded, corpus, basis)
    write_json(summary, figures)
    return (
        f"evaluate: {len(engines)} systems, {headline(evaluation.summary())}, "
        f"report in {out / 'report.html'}"
    )


if __name__ == "__main__":
    main()
