"""Encoding and mining beside what sentence-transformers does by itself, as ratios in one run.

python -m tests.bench.encoding MODEL COLLECTION [--documents 1000] [--queries 500] [--rounds 3]

MODEL is a sentence-transformers folder, COLLECTION a folder in BEIR form; queries are the titles of
documents. Both sides take turns with the same texts and threads; the best round of each counts.
Mining counts the encodings on both sides, and on ours BM25, fusion and the margin too.
"""

import argparse
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from datasets import Dataset
from sentence_transformers import SentenceTransformer
from sentence_transformers.util import mine_hard_negatives

from stages.lib.core.collection import read_corpus
from stages.lib.encoding.encoder import Vectors, encode, load_encoder
from stages.lib.params import read_params
from stages.lib.search.bm25 import Lexical
from stages.lib.search.engine import Dense, Embedded, Fused
from stages.lib.teaching.negatives import labelled


def best(rounds: int, *systems: Callable[[], object]) -> list[float]:
    seconds = [[] for _ in systems]  # type: list[list[float]]
    for _ in range(rounds):
        for system, times in zip(systems, seconds, strict=True):
            start = time.perf_counter()
            system()
            times.append(time.perf_counter() - start)
    return [min(times) for times in seconds]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("model", type=Path)
    parser.add_argument("collection", type=Path)
    parser.add_argument("--documents", type=int, default=1000)
    parser.add_argument("--queries", type=int, default=500)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    params = read_params(Path("params.yaml"))
    model = load_encoder(options.model, params.encoder)
    plain = SentenceTransformer(str(options.model), device=str(model.device))
    plain.max_seq_length = params.encoder.max_length
    corpus = dict(
        list(read_corpus(options.collection / "corpus.jsonl").items())[: options.documents]
    )
    texts = [document.contents for document in corpus.values()]
    titled = [each for each in corpus.values() if each.title][: options.queries]
    queries = {each.doc_id: each.title for each in titled}

    kept: dict[str, Vectors] = {}
    ours, theirs = best(
        options.rounds,
        lambda: kept.update(ours=encode(model, texts)),
        lambda: kept.update(theirs=plain.encode(texts, normalize_embeddings=True)),
    )
    cosines = (kept["ours"] * kept["theirs"]).sum(axis=1)
    print(
        f"encode {len(texts)} documents: {len(texts) / ours:.1f} a second beside "
        f"{len(texts) / theirs:.1f}: {theirs / ours:.2f} times as fast; cosine at least "
        f"{cosines.min():.5f}, {np.mean(cosines):.5f} in the mean"
    )

    def mine() -> None:
        dense = Dense(list(corpus), encode(model, texts), model, "")
        fused = Fused(dense, Lexical(list(corpus), texts, params.bm25), params.fusion.dense_weight)
        ranking = Embedded(fused).search(queries, params.mine.depth)
        qrels = {query_id: {query_id: 1} for query_id in queries}
        list(labelled(queries, qrels, {}, {}, ranking, params.mine))

    pairs = Dataset.from_dict(
        {"query": list(queries.values()), "document": [each.contents for each in titled]}
    )

    def mine_plainly() -> None:
        mine_hard_negatives(
            pairs,
            plain,
            corpus=texts,
            range_min=params.mine.range_min,
            range_max=params.mine.range_max,
            relative_margin=params.mine.margin,
            num_negatives=params.mine.negatives,
            verbose=False,
        )

    ours, theirs = best(options.rounds, mine, mine_plainly)
    print(
        f"mine for {len(queries)} queries: {ours:.1f} s beside {theirs:.1f} s: "
        f"{theirs / ours:.2f} times as fast"
    )


if __name__ == "__main__":
    main()
