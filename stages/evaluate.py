"""Measures every system on the test queries, and reports."""

from pathlib import Path
from typing import Any

import click

from stages.command import PARAMS, path_option, stage
from stages.lib.collection import read_corpus
from stages.lib.comparison import HEADLINE, comparison_table
from stages.lib.evaluation import Evaluation, evaluate, read_basis
from stages.lib.files import building, read_json, write_json, write_jsonl, writing
from stages.lib.gate import Figures, judge, judge_model
from stages.lib.metrics import mean
from stages.lib.params import Params, read_params
from stages.lib.report import SYSTEM, render
from stages.lib.retrievers import load_dense, load_exported, load_lexical
from stages.lib.systems import systems
from stages.lib.trec import write_run


@stage
@path_option("--collection", help="Folder of the collection.")
@path_option("--synthetic", help="Folder of the synthetic splits, used where no other is judged.")
@path_option("--fusion", help="JSON file with the weights of the fusions with BM25.")
@path_option("--base", help="The base model.")
@path_option("--base-vectors", help="The base model's vectors of the corpus.")
@path_option("--tuned", help="The tuned model.")
@path_option("--tuned-vectors", help="The tuned model's vectors of the corpus.")
@path_option("--onnx", help="The exported model.")
@path_option("--export", help="JSON file with the export's verdicts, which int8's here replaces.")
@click.option(
    "--stage-metrics",
    type=click.Path(path_type=Path),
    multiple=True,
    help="Metrics of another stage that the report tells of, by the file's name; repeatable.",
)
@path_option("--out", help="Folder for runs, per-query scores and report.")
@path_option("--metrics", help="JSON file for means and comparisons.")
@path_option("--gate", help="JSON file for what may be packaged and deployed.")
@PARAMS
def main(
    collection: Path,
    synthetic: Path,
    fusion: Path,
    base: Path,
    base_vectors: Path,
    tuned: Path,
    tuned_vectors: Path,
    onnx: Path,
    export: Path,
    stage_metrics: tuple[Path, ...],
    out: Path,
    metrics: Path,
    gate: Path,
    params: Path,
) -> None:
    """Write a TREC run a system, scores, significance and the report."""
    settings = read_params(params)
    corpus = read_corpus(collection / "corpus.jsonl")
    basis = read_basis(collection, synthetic)
    models = {
        "base": load_dense(corpus, base, base_vectors, settings),
        "tuned": load_dense(corpus, tuned, tuned_vectors, settings),
    }
    models["int8"] = load_exported(corpus, onnx, "int8", settings)
    weights = read_json(fusion)
    weights["int8"] = weights["tuned"]
    engines = systems(load_lexical(corpus, settings), models, weights)
    found = evaluate(engines, corpus, basis, settings.evaluate, settings.seed)
    with building(out) as folder:
        for system, run in found.runs.items():
            write_run(folder / "runs" / f"{system}.trec", run, system)
        write_jsonl(folder / "per_query.jsonl", found.rows())
        write_json(folder / "deltas.json", found.plot(SYSTEM))
        with writing(folder / "report.html") as file:
            stages = {path.stem: read_json(path) for path in stage_metrics}
            file.write(render(found, corpus, settings, stages))
    write_json(metrics, found.summary())
    write_json(gate, gates(found, read_json(export), settings))
    print(comparison_table(found.summary()))
    print(f"Report: {out / 'report.html'}")


def gates(found: Evaluation, exports: dict[str, Any], settings: Params) -> dict[str, Any]:
    """The verdict on each exported variant, and on the model as a whole."""
    reached = {name: mean(values[HEADLINE]) for name, values in found.scores.items()}
    least = min(tower["int8"]["min_cosine"] for tower in exports["parity"].values())
    int8 = judge("int8", Figures(least, reached["int8"], reached["tuned"]), settings.export)
    model = judge_model(reached["tuned"], reached["base"], found.basis.label)
    return {"gate": exports["gate"] | {"int8": int8.row}, "model": model.row}


if __name__ == "__main__":
    main()
