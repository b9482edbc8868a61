"""An adapter behind a model's queries, on a collection with judgements: what it gains on test.

python -m tests.bench.adapter COLLECTION FOLDER --model MODEL [--queries FILE] [--seed 13]
                              [--kinds linear two-layers] [--set adapt.epochs=3 ...]

COLLECTION and FILE are those of tests.bench.recipe. MODEL is a folder, which encodes documents and
queries. The stages are the pipeline's, but for distill: the queries' vectors are the model's own.
"""

import argparse
import json
import time
from pathlib import Path

import numpy as np
import yaml

from stages.lib.adaptation.adapter import adapted
from stages.lib.adaptation.folder import load_adapter
from stages.lib.core.collection import Split, read_corpus, read_split, write_split
from stages.lib.core.files import read_json
from stages.lib.core.generated import read_generated
from stages.lib.embedders.local import LocalEmbedder
from stages.lib.encoding.vectors import load_queries, save_queries
from stages.lib.evaluation.comparison import Basis, evaluate
from stages.lib.evaluation.systems import systems
from stages.lib.params import read_params
from stages.lib.retrievers import load_known, load_lexical
from tests.bench.recipe import call, changed, prepare


def know(folder: Path, params: Path) -> None:
    """The model's vectors of all queries: mined for in `known`, of test in `asked`."""
    embedder = LocalEmbedder(folder / "documents", read_params(params).documents)
    synthetic = folder / "synthetic"
    texts = {q.text for q in read_generated(synthetic / "unlabelled.jsonl")}
    for split in (synthetic / "train", synthetic / "dev"):
        texts |= {*read_split(split).queries.values()}
    asked = read_split(folder / "collection" / "test").queries.values()
    for name, wanted in (("known", sorted(texts)), ("asked", sorted({*asked}))):
        (folder / name).mkdir(exist_ok=True)
        save_queries(folder / name, wanted, embedder.queries(wanted))


def mine(folder: Path, params: Path) -> None:
    """Selects and mines, as the pipeline does."""
    data, synthetic = folder / "collection", folder / "synthetic"
    corpus = ("--corpus", data / "corpus.jsonl")
    model = ("--model", folder / "base", "--vectors", folder / "vectors")
    write_split(folder / "no-train", Split())
    given = ("--generated", folder / "generated.jsonl", "--imported", data / "imported.jsonl")
    leaks = [part for s in ("dev", "test") for part in (f"--{s}", data / s / "queries.jsonl")]
    out = ("--out", synthetic, "--metrics", folder / "select.json")
    call("select", params, *corpus, *given, *leaks, "--reviews", folder / "none", *model, *out)
    train = ("--train", folder / "no-train")
    queries = (*train, "--synthetic", synthetic / "train")
    asks = ("--prompts", "stages/prompts", "--store", folder / "expand.jsonl")
    out = ("--out", folder / "expanded", "--metrics", folder / "expand.json")
    call("expand", params, *corpus, *queries, *model, *asks, *out)
    know(folder, params)
    rest = ("--expanded", folder / "expanded", "--cross-encoder", folder / "teacher")
    vectors = ("--document-vectors", folder / "by_documents", "--known", folder / "known")
    out = ("--out", folder / "mined", "--metrics", folder / "mine.json")
    kept = ("--rankings", folder / "rankings")
    queries = (*train, "--synthetic", synthetic)
    call("mine", params, *corpus, *queries, *rest, *model, *vectors, *kept, *out)


def measured(folder: Path, run: Path, params: Path) -> str:
    """The means on test, and the model adapted against the model as it is."""
    settings = read_params(params)
    corpus = read_corpus(folder / "collection" / "corpus.jsonl")
    asked = load_queries(folder / "asked")
    vectors = adapted(load_adapter(run / "adapter"), np.stack(list(asked.values())))
    (run / "asked").mkdir(exist_ok=True)
    save_queries(run / "asked", list(asked), vectors)
    rows = read_json(run / "adapt.json")
    weights = {row["name"]: row["dense_weight"] for row in rows["candidates"]}
    models = {
        name: load_known(corpus, folder / "by_documents", place / "asked")
        for name, place in (("documents", folder), ("adapted", run))
    }
    shares = {"documents": weights["identity"], "adapted": weights[rows["chosen"]]}
    engines = systems(load_lexical(corpus, settings), models, shares)
    basis = Basis("test", read_split(folder / "collection" / "test"))
    found = evaluate(engines, corpus, basis, settings.evaluate, settings.seed).summary()
    means = {name: round(100 * row["ndcg_cut_10"], 2) for name, row in found["systems"].items()}
    recall = {name: round(100 * row["recall_100"], 2) for name, row in found["systems"].items()}
    told = {"chosen": rows["chosen"], "shares": shares, "ndcg_cut_10": means, "recall_100": recall}
    return json.dumps(told | {"comparisons": found["comparisons"]})


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("collection", type=Path)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--model", required=True)
    parser.add_argument("--queries", type=Path)
    parser.add_argument("--seed", type=int, default=13)
    parser.add_argument("--kinds", nargs="+", default=["linear", "two-layers"])
    parser.add_argument("--set", action="append", default=[], dest="changes")
    options = parser.parse_args()
    folder: Path = options.folder
    folder.mkdir(parents=True, exist_ok=True)
    changes = [f"documents.model={options.model}", "embed.sentences=false", *options.changes]
    for kind in options.kinds:
        run = folder / kind
        run.mkdir(exist_ok=True)
        params = run / "params.yaml"
        loaded = changed([*changes, f"adapt.kind={kind}"], options.seed, options.collection)
        params.write_text(yaml.safe_dump(loaded))
        if not (folder / "mined").exists():
            prepare(folder, params, options.queries)
            mine(folder, params)
        write_split(folder / "judged", Split())
        start = time.monotonic()
        call(
            "adapt",
            params,
            *("--corpus", folder / "collection" / "corpus.jsonl", "--mined", folder / "mined"),
            *("--dev", folder / "collection" / "dev"),
            *("--synthetic-dev", folder / "synthetic" / "dev", "--judged", folder / "judged"),
            *("--documents", folder / "documents", "--vectors", folder / "by_documents"),
            *("--queries", folder / "known", "--store", run / "store.jsonl"),
            *("--out", run / "adapter", "--metrics", run / "adapt.json"),
        )
        print(
            f"{kind}: {time.monotonic() - start:.0f} s, {measured(folder, run, params)}", flush=True
        )


if __name__ == "__main__":
    main()
