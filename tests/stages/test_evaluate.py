import json
from pathlib import Path

import numpy as np
from click.testing import CliRunner, Result

from stages import evaluate
from stages.lib.core.collection import Split, write_corpus, write_split
from stages.lib.core.files import read_json, write_json
from stages.lib.encoding.vectors import save_queries, save_vectors
from stages.lib.evaluation.runs import read_run
from stages.lib.search.metrics import ndcg
from stages.study import show
from tests.stages.conftest import CORPUS, options

SYSTEMS = ["bm25", "base", "tuned", "base+bm25", "tuned+bm25", "int8", "served"]


def run(
    evaluation_project: Path,
    model: Path,
    out: str = "evaluation",
    stage_metrics: str = "train.json",
) -> Result:
    (evaluation_project / "train.json").write_text('{"kept_base": true}')
    (evaluation_project / "fusion.json").write_text('{"base": 0.7, "tuned": 0.7}')
    arguments = options(
        collection=evaluation_project / "collection",
        synthetic=evaluation_project / "synthetic",
        fusion=evaluation_project / "fusion.json",
        onnx=evaluation_project / "onnx",
        export=evaluation_project / "export.json",
        base=model,
        base_vectors=evaluation_project / "vectors",
        tuned=model,
        tuned_vectors=evaluation_project / "vectors",
        others=evaluation_project / "others",
        document_vectors=evaluation_project / "by-documents",
        stage_metrics=evaluation_project / stage_metrics,
        out=evaluation_project / out,
        metrics=evaluation_project / f"{out}-runs",
        summary=evaluation_project / f"{out}.json",
        params=evaluation_project / "params.yaml",
    )
    return CliRunner().invoke(evaluate.main, arguments)


def test_runs_scores_metrics_and_report(evaluation_project: Path, tiny_model: Path) -> None:
    result = run(evaluation_project, tiny_model)
    assert result.exit_code == 0, result.output
    metrics = json.loads((evaluation_project / "evaluation.json").read_text())
    assert list(metrics["systems"]) == SYSTEMS
    assert metrics["systems"]["bm25"]["recall_100"] == 0.75, "BM25 finds no document without a word"
    assert metrics["comparisons"]["tuned"]["p"] == 1.0
    # int8 in bfloat16 with BM25, beside the best that needs no tuning
    assert metrics["comparisons"]["served"]["against"] in ("bm25", "base", "base+bm25")
    variants = metrics["variants"]
    assert list(variants) == ["torch", "fp32", "fp16", "int8"]
    assert variants["torch"]["ndcg_cut_10"] == metrics["systems"]["tuned"]["ndcg_cut_10"]
    assert variants["fp32"]["ndcg_cut_10"] == variants["torch"]["ndcg_cut_10"]
    assert variants["int8"]["ndcg_cut_10"] == metrics["systems"]["int8"]["ndcg_cut_10"]
    assert variants["fp16"]["bytes"] < variants["fp32"]["bytes"]
    types = metrics["vector_types"]
    assert types["float"] == {"bytes": 128, "ndcg_cut_10": variants["torch"]["ndcg_cut_10"]}
    plotted = json.loads((evaluation_project / "evaluation/vector_types.json").read_text())
    assert [row["vector_type"].split(":")[0] for row in plotted] == list(types)
    assert plotted[0]["vector_type"] == "float: 128 bytes"
    qrels = {"q1": {"a": 2}, "q2": {"c": 1, "b": 1}}
    for system in SYSTEMS:
        found = read_run(evaluation_project / f"evaluation/runs/{system}.trec")
        assert round(ndcg(found, qrels), 6) == metrics["systems"][system]["ndcg_cut_10"]
    assert list(read_run(evaluation_project / "evaluation/runs/bm25.trec")["q1"]) == ["a"]
    rows = (evaluation_project / "evaluation/per_query.jsonl").read_text().splitlines()
    assert len(rows) == 2 * len(SYSTEMS)
    assert len(json.loads((evaluation_project / "evaluation/deltas.json").read_text())) == 2
    assert "The base was kept" in (evaluation_project / "evaluation/report.html").read_text()
    means = {
        system: read_json(evaluation_project / f"evaluation-runs/{system}.json")
        for system in SYSTEMS
    }
    assert means == {system: row | {"n": 2} for system, row in metrics["systems"].items()}
    assert result.stdout.startswith("evaluate: 7 systems, nDCG@10 on test (n = 2): ")
    assert len(result.stdout.splitlines()) == 1
    shown = options(
        summary=evaluation_project / "evaluation.json",
        report=evaluation_project / "evaluation/report.html",
    )
    assert "On test: 2 queries, 3 documents" in CliRunner().invoke(show.main, shown).stdout


def test_the_same_inputs_give_the_same_bytes(evaluation_project: Path, tiny_model: Path) -> None:
    run(evaluation_project, tiny_model)
    run(evaluation_project, tiny_model, "again")
    assert (evaluation_project / "again.json").read_bytes() == (
        evaluation_project / "evaluation.json"
    ).read_bytes()
    files = [path for path in (evaluation_project / "evaluation").rglob("*") if path.is_file()]
    assert len(files) == len(SYSTEMS) + 6
    for path in files:
        again = evaluation_project / "again" / path.relative_to(evaluation_project / "evaluation")
        assert again.read_bytes() == path.read_bytes(), path.name


def test_nothing_to_measure_on_is_said_in_a_line(
    evaluation_project: Path, tiny_model: Path
) -> None:
    write_split(evaluation_project / "collection/test", Split())
    result = run(evaluation_project, tiny_model)
    assert result.exit_code == 1
    assert "no judged query in any split; run dvc repro select" in result.stderr
    assert not (evaluation_project / "evaluation").exists()
    assert not (evaluation_project / "evaluation.json").exists()


def test_vectors_of_another_corpus_are_refused(evaluation_project: Path, tiny_model: Path) -> None:
    write_corpus(evaluation_project / "collection/corpus.jsonl", {"a": CORPUS["a"]})
    result = run(evaluation_project, tiny_model)
    assert result.exit_code == 1
    assert "vectors of another corpus; run dvc repro" in result.stderr


def test_other_models_stand_beside_the_tuned_one(
    evaluation_project: Path, tiny_model: Path
) -> None:
    folder = evaluation_project / "others" / "api"
    vectors = np.eye(len(CORPUS), dtype=np.float32)
    save_vectors(folder / "documents", vectors, list(CORPUS), "api")
    (folder / "queries").mkdir()
    # it finds the documents of the judgements, in their order
    asked = {"apple": "a", "what is a dog": "c"}
    known = vectors[[list(CORPUS).index(doc_id) for doc_id in asked.values()]]
    save_queries(folder / "queries", list(asked), known)
    # documents.model takes one for the other, until its queries are adapted
    save_vectors(evaluation_project / "by-documents", vectors, list(CORPUS), "api")
    for name, given in {"documents": known[::-1], "adapted": known}.items():
        (evaluation_project / "others" / name / "queries").mkdir(parents=True)
        save_queries(evaluation_project / "others" / name / "queries", list(asked), given)
    weights = {"base": 0.7, "api": 1.0, "documents": 1.0, "adapted": 1.0}
    rows = [{"name": name, "dense_weight": weight} for name, weight in weights.items()]
    write_json(evaluation_project / "others.json", {"rows": rows})
    result = run(evaluation_project, tiny_model, stage_metrics="others.json")
    assert result.exit_code == 0, result.output
    metrics = read_json(evaluation_project / "evaluation.json")
    assert metrics["systems"]["api"]["recip_rank"] == 1.0
    assert metrics["systems"]["api+bm25"] == metrics["systems"]["api"]
    assert metrics["comparisons"]["api"]["against"] == "tuned"
    assert metrics["comparisons"]["api+bm25"]["against"] == "served"
    assert metrics["systems"]["adapted"]["recip_rank"] == 1.0
    assert metrics["systems"]["documents"]["recip_rank"] < 1.0
    assert metrics["comparisons"]["adapted"]["against"] == "documents"
    assert "api+bm25" in (evaluation_project / "evaluation/report.html").read_text()
