"""Searching a corpus: dense, BM25, and the fusion of both, behind one interface."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import partial
from itertools import islice
from typing import Protocol

import numpy as np
from sentence_transformers import SentenceTransformer
from tqdm import tqdm

from stages.lib.core.collection import Queries
from stages.lib.encoding.encoder import Vectors, encode, encode_batches
from stages.lib.encoding.store import VectorStore

Run = dict[str, dict[str, float]]
"""Score by doc_id by query_id, best first."""

RRF_K = 60
"""What reciprocal rank fusion adds to each rank."""

BLOCK_CELLS = 2**25  # scores held at a time: 128 MB
CACHED_ROWS = 16  # gone over at a time, so that they stay in the processor's cache


class Engine(Protocol):
    """Anything that ranks documents for queries."""

    def search(self, queries: Queries, depth: int) -> Run:
        """The best `depth` documents of each query."""
        ...


class Scorer(Protocol):
    """Anything that scores a whole corpus in memory."""

    doc_ids: list[str]

    def scores(self, texts: Sequence[str]) -> Vectors:
        """Scores of every document for each text, (texts, documents)."""
        ...


class Dense:
    """Exact search with unit vectors; the model must not change afterwards.

    Args:
        doc_ids: the ids of the rows of `vectors`.
        vectors: of the documents.
        model: encodes queries,
        prefix: after this.
        store: knows vectors of queries, and keeps those that are new.

    """

    def __init__(
        self,
        doc_ids: Sequence[str],
        vectors: Vectors,
        model: SentenceTransformer,
        prefix: str,
        store: VectorStore | None = None,
    ) -> None:
        self.doc_ids = list(doc_ids)
        self.vectors = vectors
        self._model = model
        self._prefix = prefix
        self._store = store
        self._encoded: dict[str, Vectors] = {}
        self.encoded = 0
        """How many queries the model has encoded."""

    def scores(self, texts: Sequence[str]) -> Vectors:
        """Cosines, (texts, documents)."""
        cosines: Vectors = self.encode(texts) @ self.vectors.T
        return cosines

    def encode(self, texts: Sequence[str]) -> Vectors:
        """Unit vectors of queries, (texts, dimensions)."""
        # the same queries are searched alone and fused, at several weights: each is encoded once
        new = [text for text in dict.fromkeys(texts) if text not in self._encoded]
        if new:
            self._encoded.update(zip(new, self._encode_new(new), strict=True))
        return np.stack([self._encoded[text] for text in texts])

    def _encode_new(self, texts: Sequence[str]) -> Vectors:
        if self._store is None:
            self.encoded += len(texts)
            return encode(self._model, texts, self._prefix)
        prefixed = [self._prefix + text for text in texts]
        with tqdm(total=len(texts), desc="encode", unit="text", delay=2) as progress:
            encoder = partial(encode_batches, self._model)
            _, vectors, new = self._store.encode(encoder, prefixed, progress.update)
        self.encoded += new
        return vectors

    def save_queries(self, texts: Iterable[str]) -> None:
        """Leaves to a later run what is known of these queries' vectors, where there is a store."""
        if self._store is not None:
            self._store.save([self._prefix + text for text in texts])


class Known(Dense):
    """Exact search for queries whose vectors are known, by an encoder that need not be here.

    Args:
        doc_ids: the ids of the rows of `vectors`.
        vectors: of the documents.
        queries: the vectors of queries by their text.

    """

    def __init__(
        self, doc_ids: Sequence[str], vectors: Vectors, queries: Mapping[str, Vectors]
    ) -> None:
        self.doc_ids = list(doc_ids)
        self.vectors = vectors
        self._store = None
        self._encoded = dict(queries)
        self.encoded = 0

    def encode(self, texts: Sequence[str]) -> Vectors:
        """Unit vectors of known queries, (texts, dimensions)."""
        return np.stack([self._encoded[text] for text in texts])


class Fused:
    """A weighted sum of two scorers' z-scores, taken per query over the whole corpus."""

    def __init__(self, first: Scorer, second: Scorer, weight: float) -> None:
        self.doc_ids = first.doc_ids
        self._parts = ((first, weight), (second, 1 - weight))

    def scores(self, texts: Sequence[str]) -> Vectors:
        """Fused scores, (texts, documents)."""
        total = np.zeros((len(texts), len(self.doc_ids)), dtype=np.float32)
        for scorer, weight in self._parts:
            if weight:
                total += weight * zscores(scorer.scores(texts))
        return total


class Kept:
    """A scorer that keeps its last scores: who asks for the same texts again does not wait."""

    def __init__(self, scorer: Scorer) -> None:
        self.doc_ids = scorer.doc_ids
        self._scorer = scorer
        self._texts: list[str] = []
        self._scores: Vectors = np.zeros((0, len(self.doc_ids)), dtype=np.float32)

    def scores(self, texts: Sequence[str]) -> Vectors:
        """The scorer's scores, (texts, documents), which nobody may change."""
        if list(texts) != self._texts:
            self._scores = self._scorer.scores(texts)
            self._scores.flags.writeable = False
            self._texts = list(texts)
        return self._scores


class Embedded:
    """The engine in memory: exact ranking by a scorer, in blocks of queries."""

    def __init__(self, scorer: Scorer) -> None:
        self._scorer = scorer
        # rank of each doc_id, so that ties fall the same way whatever the corpus' order
        self._tie = np.argsort(np.argsort(np.array(scorer.doc_ids)))

    def search(self, queries: Queries, depth: int) -> Run:
        """The best `depth` documents of each query; ties by doc_id."""
        run: Run = {}
        for block in blocks(queries, len(self._scorer.doc_ids)):
            for query_id, row in zip(block, self._scorer.scores(list(block.values())), strict=True):
                best = top(row, depth, self._tie)
                run[query_id] = {self._scorer.doc_ids[i]: float(row[i]) for i in best}
        return run


class Found:
    """The engine of rankings that are there."""

    def __init__(self, run: Run) -> None:
        self._run = run

    def search(self, queries: Queries, depth: int) -> Run:
        """The best `depth` documents of each query."""
        return {query_id: dict(islice(self._run[query_id].items(), depth)) for query_id in queries}


def search_fused(
    dense: Scorer, lexical: Scorer, weight: float, queries: Queries, depth: int
) -> tuple[Run, Run, Run]:
    """What two scorers find, and their fusion, from scores that are computed once."""
    first, second = Kept(dense), Kept(lexical)
    engines = [Embedded(scorer) for scorer in (first, second, Fused(first, second, weight))]
    runs: tuple[Run, Run, Run] = ({}, {}, {})
    for block in blocks(queries, len(dense.doc_ids)):
        for run, engine in zip(runs, engines, strict=True):
            run |= engine.search(block, depth)
    return runs


def blocks(queries: Queries, documents: int) -> Iterator[Queries]:
    """The queries in their order, as many at a time as memory holds the documents' scores of."""
    size = max(1, BLOCK_CELLS // max(1, documents))
    rest = iter(queries.items())
    while block := dict(islice(rest, size)):
        yield block


class ReciprocalRanks:
    """Reciprocal rank fusion of two scorers (Cormack et al., SIGIR 2009), as Vespa's profile `rrf`.

    Args:
        first: a scorer.
        second: another over the same documents.
        targets: the first documents of each that are fused.

    """

    def __init__(self, first: Scorer, second: Scorer, targets: int) -> None:
        self._engines = (Embedded(first), Embedded(second))
        self._targets = targets

    def search(self, queries: Queries, depth: int) -> Run:
        """The best `depth` documents of each query; ties by doc_id."""
        runs = [engine.search(queries, self._targets) for engine in self._engines]
        fused: Run = {}
        for query_id in queries:
            scores: dict[str, float] = {}
            for run in runs:
                for rank, doc_id in enumerate(run[query_id], 1):
                    scores[doc_id] = scores.get(doc_id, 0.0) + 1 / (RRF_K + rank)
            order = sorted(scores, key=lambda doc_id: (-scores[doc_id], doc_id))
            fused[query_id] = {doc_id: scores[doc_id] for doc_id in order[:depth]}
        return fused


def zscores(scores: Vectors) -> Vectors:
    """Each row to mean 0 and standard deviation 1; a constant row to 0."""
    scaled = np.empty_like(scores)
    for start in range(0, len(scores), CACHED_ROWS):
        block, out = (each[start : start + CACHED_ROWS] for each in (scores, scaled))
        np.subtract(block, block.mean(axis=1, keepdims=True), out=out)
        spread = np.sqrt(np.square(out).mean(axis=1, keepdims=True))
        varied = spread > 1e-9
        np.divide(out, spread, out=out, where=varied)
        out[~varied[:, 0]] = 0
    return scaled


def top(row: Vectors, depth: int, tie: np.ndarray[tuple[int], np.dtype[np.intp]]) -> list[int]:
    """Indices of the `depth` highest scores of one query, ties in the order of `tie`."""
    if depth < len(row):
        # documents that tie with the last one stay; the sort below breaks the tie
        floor = np.partition(row, -depth)[-depth]
        chosen = np.flatnonzero(row >= floor)
    else:
        chosen = np.arange(len(row))
    order = np.lexsort((tie[chosen], -row[chosen]))
    return [int(index) for index in chosen[order][:depth]]


Candidates = dict[str, list[str]]
"""Doc_ids to grade by query_id."""


def candidates(queries: Queries, engines: Sequence[Engine], depth: int) -> Candidates:
    """The first `depth` documents of each query, from the engines in turn."""
    runs = [engine.search(queries, depth) for engine in engines]
    pools: Candidates = {}
    for query_id in queries:
        ranks = zip(*(run[query_id] for run in runs), strict=False)
        pools[query_id] = list(dict.fromkeys(doc_id for rank in ranks for doc_id in rank))[:depth]
    return pools
