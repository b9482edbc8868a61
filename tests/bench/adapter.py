"""An adapter behind a model's queries, on a collection with judgements: what it gains on test.

python -m tests.bench.adapter COLLECTION FOLDER --model MODEL [--queries FILE] [--seed 13]
                              [--kinds linear two-layers] [--set adapt.epochs=3 ...]

COLLECTION and FILE are those of tests.bench.recipe. MODEL is a folder, which encodes documents and
queries. The stages are the pipeline's, but for distill: the queries' vectors are the model's own.
Nobody judged dev queries: the synthetic ones choose, and all candidates are shown on test.
"""

import argparse
import math
from collections.abc import Iterator
from pathlib import Path

import yaml

from stages.lib.adaptation.adapter import identity
from stages.lib.adaptation.student import AdaptedQueries
from stages.lib.adaptation.training import trained
from stages.lib.core.collection import Split, read_corpus, read_split, write_split
from stages.lib.core.examples import read_mined
from stages.lib.core.generated import read_generated
from stages.lib.embedders.local import LocalEmbedder
from stages.lib.encoding.vectors import load_queries, load_vectors, save_queries
from stages.lib.evidence import DevSet, Evidence, dev_sets, measure
from stages.lib.params import read_params
from stages.lib.retrievers import load_lexical
from stages.lib.search.weights import Floats
from stages.lib.training.choice import searched
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
    kept = ("--reviews", folder / "none", "--queries", folder / "selected_queries")
    out = ("--out", synthetic, "--metrics", folder / "select.json")
    call("select", params, *corpus, *given, *leaks, *kept, *model, *out)
    train = ("--train", folder / "no-train")
    queries = (*train, "--synthetic", synthetic / "train")
    asks = ("--prompts", "stages/prompts", "--store", folder / "expand.jsonl")
    out = ("--out", folder / "expanded", "--metrics", folder / "expand.json")
    call("expand", params, *corpus, *queries, *model, *asks, *out)
    know(folder, params)
    rest = ("--expanded", folder / "expanded", "--cross-encoder", folder / "teacher")
    vectors = ("--document-vectors", folder / "by_documents", "--known", folder / "known")
    out = ("--out", folder / "mined", "--metrics", folder / "mine.json")
    kept = ("--rankings", folder / "rankings", "--queries", folder / "mined_queries")
    read = ("--language-model", folder / "language_model", "--answers", folder / "answers.jsonl")
    queries = (*train, "--synthetic", synthetic)
    call("mine", params, *corpus, *queries, *rest, *model, *vectors, *read, *kept, *out)


def measured(folder: Path, params: Path) -> Iterator[str]:
    """A line a candidate: nDCG@10 on test, and beside no change with half of the 95% interval."""
    settings = read_params(params)
    data = folder / "collection"
    corpus = read_corpus(data / "corpus.jsonl")
    vectors = load_vectors(folder / "by_documents", corpus)
    known = load_queries(folder / "known") | load_queries(folder / "asked")
    adapter = identity(settings.adapt.kind, vectors.shape[1])
    student = AdaptedQueries(adapter, list(corpus), vectors, known, settings.documents)
    lexical = load_lexical(corpus, settings)
    sets = dev_sets(Split(), Split(), read_split(folder / "synthetic" / "dev"), corpus)
    mined = read_mined(folder / "mined")
    _, standings, chosen = trained(student, mined, lexical, sets, settings, with_dev=False)
    test = DevSet("test", read_split(data / "test"), sets[0].weighs)
    first: Evidence | None = None
    for one in standings:
        search, learnt = searched(student, one.candidate, Split()), one.candidate.learnt
        found = measure(search, lexical, [test], settings, learnt=learnt)
        first = first or found
        cells = [
            beside(of["test"], start["test"])
            for of, start in ((found.dense, first.dense), (found.served, first.served))
        ]
        mark = ", chosen" if one is chosen else ""
        yield f"{one.candidate.name}: {cells[0]} dense, {cells[1]} with BM25{mark}"


def beside(values: Floats, start: Floats) -> str:
    deltas = 100 * (values - start)
    half = 1.96 * float(deltas.std(ddof=1)) / math.sqrt(len(deltas))
    return f"{100 * values.mean():.2f} ({deltas.mean():+.2f} +- {half:.2f})"


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
        for line in measured(folder, params):
            print(f"{kind}, {line}", flush=True)


if __name__ == "__main__":
    main()
