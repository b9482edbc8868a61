"""How much of a bigger embedder's knowledge a student has, on queries that it learnt and others.

python -m tests.bench.levers.agreement FOLDER MODEL RUN [RUN ...]

FOLDER and its runs are those of tests.bench.recipe, the first with documents.model=MODEL, whose
vectors of the documents lie there. The teacher is MODEL fused with BM25 at the weight by which that
run mined. For each run, the share of the teacher's first ten documents that are among the tuned
model's first ten by its own vectors, in means over at most 500 queries of each kind by hash.
"""

import argparse
from pathlib import Path

import numpy as np

from stages.lib.core.collection import Queries, read_corpus, read_queries, read_split
from stages.lib.core.files import read_json
from stages.lib.core.generated import read_generated
from stages.lib.core.hashes import text_hash
from stages.lib.embedders.local import LocalEmbedder
from stages.lib.encoding.vectors import load_vectors
from stages.lib.params import read_params
from stages.lib.retrievers import load_dense, load_lexical
from stages.lib.search.engine import Embedded, Engine, Fused, Known, Run

DEPTH = 10
MOST = 500


def drawn(queries: Queries) -> Queries:
    """At most MOST queries, by the hash of their text."""
    order = sorted(queries, key=lambda query_id: text_hash("agreement", queries[query_id]))
    return {query_id: queries[query_id] for query_id in order[:MOST]}


def shared(engine: Engine, wanted: Run, queries: Queries) -> float:
    """The share of the wanted documents that an engine finds."""
    found = engine.search(queries, DEPTH)
    return float(np.mean([len({*found[q]} & {*wanted[q]}) / DEPTH for q in queries]))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("folder", type=Path)
    parser.add_argument("model")
    parser.add_argument("runs", nargs="+")
    options = parser.parse_args()
    folder: Path = options.folder
    first = folder / options.runs[0]
    settings = read_params(first / "params.yaml")
    corpus = read_corpus(folder / "collection" / "corpus.jsonl")
    kinds = {
        "learnt, by the LLM": read_split(first / "synthetic" / "train").queries,
        "learnt phrases": {
            each.query_id: each.text
            for each in read_generated(first / "synthetic/unlabelled.jsonl")
        },
        "held out, by the LLM": read_split(first / "synthetic" / "dev").queries,
        "test": read_queries(folder / "collection" / "test" / "queries.jsonl"),
    }
    kinds = {kind: drawn(queries) for kind, queries in kinds.items() if queries}
    section = settings.documents.model_copy(update={"model": options.model})
    texts = sorted({text for queries in kinds.values() for text in queries.values()})
    vectors = LocalEmbedder(folder / "documents", section).queries(texts)
    of_documents = load_vectors(folder / "by_documents", corpus)
    dense = Known(list(corpus), of_documents, dict(zip(texts, vectors, strict=True)))
    weight = read_json(first / "mine.json")["dense_weight"]
    teacher = Embedded(Fused(dense, load_lexical(corpus, settings), weight))
    wanted = {kind: teacher.search(queries, DEPTH) for kind, queries in kinds.items()}
    engines: dict[str, Engine] = {
        "the teacher's embedder": Embedded(dense),
        "base": Embedded(load_dense(corpus, folder / "base", folder / "vectors", settings)),
    }
    for name in options.runs:
        run = folder / name
        own = read_params(run / "params.yaml")
        engines[name] = Embedded(load_dense(corpus, run / "tuned", run / "vectors", own))
    print(f"{'':24}" + "".join(f"{f'{kind} ({len(q)})':>28}" for kind, q in kinds.items()))
    for name, engine in engines.items():
        cells = (shared(engine, wanted[kind], queries) for kind, queries in kinds.items())
        print(f"{name:24}" + "".join(f"{cell:28.3f}" for cell in cells))


if __name__ == "__main__":
    main()
