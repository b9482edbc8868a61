"""The recipe over several seeds on a collection with judgements: what README's figures come from.

python -m tests.bench.recipe COLLECTION FOLDER [--queries FILE] [--seeds 13 14 15]
                             [--set train.tower=query ...] [--name default] [--with-train]
                             [--mined NAME] [--split test]

COLLECTION is a folder in BEIR form; FILE has recorded queries, a document a line: `{"doc_id": ...,
"queries": [{"type": ..., "text": ...}]}` (without it, the extractive provider writes them). All is
kept in FOLDER, so that variants share the encodings of the base. The stages are the pipeline's, by
the parameters of params.yaml but for what --set changes; export is left out. Without --with-train a
train split is left out too, as if nobody had labelled queries. With --mined the queries and the
teacher are those of the variant NAME, for variants that differ in training alone. Variants are
compared with --split dev.
"""

import argparse
import json
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from statistics import fmean, stdev
from typing import Any

import numpy as np
import yaml

from stages.lib.core.collection import Split, read_corpus, read_split, write_split
from stages.lib.core.files import read_json, read_jsonl, write_json
from stages.lib.core.generated import Generated, query_id, write_generated
from stages.lib.evaluation.comparison import Basis, Evaluation, evaluate
from stages.lib.evaluation.significance import compare
from stages.lib.evaluation.systems import systems
from stages.lib.evaluation.variants import compare_types
from stages.lib.params import read_params
from stages.lib.retrievers import load_dense, load_lexical
from stages.lib.search.metrics import PerQuery, mean

SYSTEMS = ("bm25", "base", "tuned", "base+bm25", "tuned+bm25")
MEASURES = ("ndcg_cut_10", "recall_100")


def call(stage: str, params: Path, *options: str | Path) -> None:
    words = [sys.executable, "-m", f"stages.{stage}", *map(str, options), "--params", str(params)]
    done = subprocess.run(words, capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"{' '.join(words)}\n{done.stderr}")


def recorded(path: Path) -> Iterator[Generated]:
    for _, row in read_jsonl(path):
        for query in row["queries"]:
            name = query_id(row["doc_id"], query["type"], query["text"])
            yield Generated(name, row["doc_id"], query["type"], query["text"])


def changed(changes: list[str], seed: int, collection: Path) -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load(Path("params.yaml").read_text())
    loaded |= {"seed": seed}
    loaded["prepare"] |= {"path": str(collection)}
    loaded["llm"] |= {"provider": "extractive"}
    for change in changes:
        key, value = change.split("=", 1)
        section, name = key.split(".")
        loaded[section][name] = yaml.safe_load(value)
    return loaded


def prepare(folder: Path, params: Path, queries: Path | None) -> None:
    """What all seeds and variants share: collection, queries, vectors of the base."""
    data = folder / "collection"
    models = (
        *("--teacher", folder / "teacher", "--documents", folder / "documents"),
        *("--language-model", folder / "language_model", "--reader", folder / "reader"),
    )
    call("base", params, "--out", folder / "base", *models)
    tokenizer = folder / "base" / "tokenizer.json"
    metrics = folder / "prepare.json"
    given = ("--tokenizer", tokenizer, "--judgements", folder / "none")
    call("prepare", params, *given, "--out", data, "--metrics", metrics)
    corpus, train = data / "corpus.jsonl", data / "train"
    generated = folder / "generated.jsonl"
    if queries:
        write_generated(generated, recorded(queries))
    else:
        shared = ("--prompts", "stages/prompts", "--metrics", folder / "generate.json")
        rules = folder / "rules.json"
        inputs: tuple[str | Path, ...] = ("--corpus", corpus, "--train", train, *shared)
        call("rules", params, *inputs, "--store", folder / "rules.jsonl", "--out", rules)
        asked = ("--rules", rules, "--reviews", folder / "none", "--store", folder / "store.jsonl")
        outs = ("--out", generated, "--answers", folder / "answers.jsonl")
        call("generate", params, *inputs, *asked, *outs)
    options = ("--corpus", corpus, "--model", folder / "base", "--with-sentences")
    call("embed", params, *options, "--out", folder / "vectors")
    others = ("--corpus", corpus, "--model", folder / "documents")
    store = folder / "documents.jsonl"
    call("embed_documents", params, *others, "--store", store, "--out", folder / "by_documents")


def tune(
    folder: Path, run: Path, params: Path, train: Path, before: Path | None
) -> dict[str, float]:
    """One seed, from the run `before` if there is one; the seconds that each stage took."""
    corpus = ("--corpus", folder / "collection" / "corpus.jsonl")
    data, base, vectors = folder / "collection", folder / "base", folder / "vectors"
    model = ("--model", base, "--vectors", vectors)
    synthetic, mined = (before or run) / "synthetic", (before or run) / "mined"
    tuned = run / "tuned"
    dev = data / "dev"
    by_documents = ("--document-vectors", folder / "by_documents")
    steps: dict[str, tuple[str | Path, ...]] = {
        "select": (
            *("--generated", folder / "generated.jsonl", "--imported", data / "imported.jsonl"),
            *("--dev", dev / "queries.jsonl", "--test", data / "test" / "queries.jsonl"),
            *("--reviews", folder / "none", "--queries", run / "selected_queries"),
            *(*model, "--out", synthetic, "--metrics", run / "select.json"),
        ),
        "expand": (
            *("--train", train, "--synthetic", synthetic / "train", *model),
            *("--prompts", "stages/prompts", "--store", run / "expand.jsonl"),
            *("--out", run / "expanded", "--metrics", run / "expand.json"),
        ),
        "distill": (
            *("--synthetic", synthetic, "--train", train, "--model", base),
            *("--documents", folder / "documents", "--vectors", folder / "by_documents"),
            *("--store", run / "distill.jsonl", "--out", run / "distilled"),
            *("--queries", run / "known", "--metrics", run / "distill.json"),
        ),
        "mine": (
            *("--synthetic", synthetic, "--train", train, "--expanded", run / "expanded"),
            *(*model, *by_documents, "--known", run / "known"),
            *("--cross-encoder", folder / "teacher", "--rankings", run / "rankings"),
            *("--language-model", folder / "language_model", "--answers", folder / "answers.jsonl"),
            *("--queries", run / "mined_queries"),
            *("--out", mined, "--metrics", run / "mine.json"),
        ),
        "train": (
            *("--mined", mined, "--dev", dev, "--synthetic-dev", synthetic / "dev", *model),
            *(
                "--distilled",
                (before or run) / "distilled",
                "--document-model",
                folder / "documents",
            ),
            *(*by_documents, "--judged", run / "judged"),
            *("--measured-on", data / "measured_on.txt"),
            *("--out", tuned, "--fusion", run / "fusion.json"),
            *("--metrics", run / "train.json", "--curve", run / "curve.json"),
            *("--gate", run / "gate.json"),
        ),
        "embed": ("--model", tuned, "--vectors", vectors, "--out", run / "vectors"),
    }
    write_split(run / "judged", Split())
    seconds = {}
    for stage, options in steps.items():
        if before and stage in ("select", "expand", "distill", "mine"):
            continue
        start = time.monotonic()
        call(stage, params, *corpus, *options)
        seconds[stage] = round(time.monotonic() - start, 1)
    return seconds


def measure(
    folder: Path, run: Path, params: Path, split: str
) -> tuple[Evaluation, dict[str, float]]:
    """All systems on a split, and the tuned model's nDCG@10 by type of its vectors."""
    settings = read_params(params)
    corpus = read_corpus(folder / "collection" / "corpus.jsonl")
    basis = Basis(split, read_split(folder / "collection" / split))
    models = {
        "base": load_dense(corpus, folder / "base", folder / "vectors", settings),
        "tuned": load_dense(corpus, run / "tuned", run / "vectors", settings),
    }
    engines = systems(load_lexical(corpus, settings), models, read_json(run / "fusion.json"))
    evaluation = evaluate(engines, corpus, basis, settings.evaluate, settings.seed)
    types = compare_types(models["tuned"], corpus, basis)
    return evaluation, {kind: round(100 * row["ndcg_cut_10"], 2) for kind, row in types.items()}


def average(seeds: list[PerQuery]) -> PerQuery:
    return {query: fmean(values[query] for values in seeds) for query in seeds[0]}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("collection", type=Path)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--queries", type=Path)
    parser.add_argument("--seeds", type=int, nargs="+", default=[13, 14, 15])
    parser.add_argument("--set", action="append", default=[], dest="changes")
    parser.add_argument("--name", default="default")
    parser.add_argument("--with-train", action="store_true")
    parser.add_argument("--mined")
    parser.add_argument("--split", default="test")
    options = parser.parse_args()
    folder: Path = options.folder
    folder.mkdir(parents=True, exist_ok=True)
    train = folder / "collection" / "train"
    if not options.with_train:
        train = folder / "no-train"
        write_split(train, Split({}, {}))
    evaluations: list[Evaluation] = []
    for seed in options.seeds:
        run = folder / f"{options.name}-{seed}"
        run.mkdir(exist_ok=True)
        params = run / "params.yaml"
        params.write_text(yaml.safe_dump(changed(options.changes, seed, options.collection)))
        if not (folder / "by_documents").exists():
            prepare(folder, params, options.queries)
        before = folder / f"{options.mined}-{seed}" if options.mined else None
        seconds = tune(folder, run, params, train, before)
        evaluation, types = measure(folder, run, params, options.split)
        evaluations.append(evaluation)
        write_json(run / "evaluate.json", evaluation.summary())
        means: dict[str, Any] = {
            system: [round(100 * mean(evaluation.scores[system][m]), 2) for m in MEASURES]
            for system in SYSTEMS
        }
        means |= {"types": types, "train": read_json(run / "train.json"), "seconds": seconds}
        print(json.dumps({"seed": seed, **means}), flush=True)
    averaged = {s: average([one.scores[s]["ndcg_cut_10"] for one in evaluations]) for s in SYSTEMS}
    against = {"tuned": "base", "tuned+bm25": "base+bm25", "base+bm25": "base"}
    tests = compare(averaged, against, 10_000, 1)
    queries = len(averaged["base"])
    print(f"{options.name}: {len(options.seeds)} seeds, {queries} queries of {options.split}")
    for system in SYSTEMS:
        values = [100 * mean(one.scores[system]["ndcg_cut_10"]) for one in evaluations]
        spread = stdev(values) if len(values) > 1 else float(np.nan)
        recall = fmean(100 * mean(one.scores[system]["recall_100"]) for one in evaluations)
        test = f"  {tests[system].as_dict()}" if system in tests else ""
        print(f"{system:12} nDCG@10 {fmean(values):.2f} (sd {spread:.2f}) R@100 {recall:.2f}{test}")


if __name__ == "__main__":
    main()
