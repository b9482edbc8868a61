"""A query's rankings by several systems, side by side."""

import threading
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from stages.lib.core.collection import Corpus, Document, Queries
from stages.lib.core.text import SHORTEST, sentence_spans
from stages.lib.encoding.encoder import Vectors
from stages.lib.evaluation.systems import systems
from stages.lib.search.engine import Dense, Embedded, Engine, Fused, Run, Scorer

SENTENCES, STARTS = "sentences.npy", "sentence_starts.npy"
"""What the stage embed_base leaves beside the vectors, where embed.sentences is on."""


@dataclass(frozen=True, slots=True)
class Hit:
    """A document at its rank, cut into what stands before, in and after its best sentence."""

    document: Document
    rank: int
    score: float
    before: str
    best: str
    after: str


@dataclass(frozen=True, slots=True)
class Column:
    """A system's ranking of a query, and the seconds that this system alone takes for it."""

    name: str
    hits: list[Hit]
    seconds: float | None
    """None where the query was encoded among others, so that nobody knows."""

    @property
    def ranks(self) -> dict[str, int]:
        """The rank from 1 of each document."""
        return {hit.document.doc_id: hit.rank for hit in self.hits}


@dataclass(frozen=True, slots=True)
class Move:
    """A document that two neighbouring columns show: its ranks from 1, as heights in the SVG."""

    doc_id: str
    left: int
    right: int

    @property
    def kind(self) -> str:
        """Whether the document rose, fell or stayed."""
        return "up" if self.right < self.left else "down" if self.right > self.left else "same"


class Remembered:
    """A scorer that keeps a text's scores, so that the systems which share it score once."""

    def __init__(self, scorer: Scorer) -> None:
        self.doc_ids = scorer.doc_ids
        self._scorer = scorer
        self._text = ""
        self._scores: Vectors | None = None
        # a model keeps the vectors of queries, so that the first time alone tells what it takes
        self._seconds: dict[str, float | None] = {}

    def scores(self, texts: Sequence[str]) -> Vectors:
        """Scores of every document for each text, (texts, documents)."""
        if len(texts) != 1:  # those of many would fill the memory
            self._seconds = dict.fromkeys(texts) | self._seconds
            return self._scorer.scores(texts)
        if self._scores is None or self._text != texts[0]:
            start = time.perf_counter()
            self._scores = self._scorer.scores(texts)
            self._text = texts[0]
            self._seconds.setdefault(self._text, time.perf_counter() - start)
        return self._scores

    def seconds(self, text: str) -> float | None:
        """How long it took to score a text alone."""
        return self._seconds.get(text)


class Searcher:
    """The systems of an evaluation over one corpus, for one query or many.

    Args:
        corpus: the documents.
        lexical: BM25.
        models: dense search by model; `base` is among them.
        weights: the share of each model's scores beside BM25.
        sentences: folder of the base's vectors of sentences; without such files, no sentence is
            marked.

    """

    def __init__(
        self,
        corpus: Corpus,
        lexical: Scorer,
        models: Mapping[str, Dense],
        weights: Mapping[str, float],
        sentences: Path,
    ) -> None:
        self.corpus = corpus
        self._parts = {"bm25": Remembered(lexical)} | {
            name: Remembered(model) for name, model in models.items()
        }
        dense = {name: part for name, part in self._parts.items() if name != "bm25"}
        self.engines = systems(self._parts["bm25"], dense, weights)
        self._base = models["base"]
        self._rows = {doc_id: row for row, doc_id in enumerate(self._base.doc_ids)}
        self._sentences = _map_sentences(sentences)
        # the models and what is remembered belong to one query at a time
        self._lock = threading.Lock()

    @property
    def names(self) -> list[str]:
        """The systems, in the order of columns."""
        return list(self.engines)

    def fused(self, weight: float) -> Engine:
        """The base with BM25 at another share of its scores than serves, such as the teacher's."""
        return Embedded(Fused(self._parts["base"], self._parts["bm25"], weight))

    def alone(self) -> threading.Lock:
        """Holds others off while an engine is used without `columns` or `runs`."""
        return self._lock

    def columns(self, query: str, names: Iterable[str], depth: int) -> list[Column]:
        """The first `depth` documents of each system."""
        with self._lock:
            return [self._column(query, name, depth) for name in names]

    def runs(self, queries: Queries, names: Iterable[str], depth: int) -> dict[str, Run]:
        """The systems' runs of many queries, by name."""
        with self._lock:
            return {name: self.engines[name].search(queries, depth) for name in names}

    def _column(self, query: str, name: str, depth: int) -> Column:
        parts = [self._parts[part] for part in name.split("+")]
        for part in parts:
            part.scores([query])
        start = time.perf_counter()
        ranking = self.engines[name].search({"": query}, depth)[""]
        known = [time.perf_counter() - start, *(part.seconds(query) for part in parts)]
        seconds = None if None in known else sum(each or 0.0 for each in known)
        hits = [
            self._hit(query, self.corpus[doc_id], rank, score)
            for rank, (doc_id, score) in enumerate(ranking.items(), 1)
        ]
        return Column(name, hits, seconds)

    def _hit(self, query: str, document: Document, rank: int, score: float) -> Hit:
        start, stop = self._best_sentence(query, document)
        text = document.text
        return Hit(document, rank, score, text[:start], text[start:stop], text[stop:])

    def _best_sentence(self, query: str, document: Document) -> tuple[int, int]:
        """Where the sentence is that is nearest to the query by the base; (0, 0) if unknown."""
        if self._sentences is None:
            return 0, 0
        vectors, starts = self._sentences
        row = self._rows[document.doc_id]
        start = starts[row] + bool(document.title)  # which comes first
        stop = starts[row + 1] if row + 1 < len(starts) else len(vectors)
        spans = [span for span in sentence_spans(document.text) if _counts(document.text, span)]
        if len(spans) != stop - start or len(spans) < 2:  # one sentence needs no mark
            return 0, 0
        self._parts["base"].scores([query])  # so that its column knows what encoding takes
        cosines = vectors[start:stop].astype(np.float32) @ self._base.encode([query])[0]
        return spans[int(cosines.argmax())]


def moves(left: Column, right: Column) -> list[Move]:
    """The documents that two columns share, with their ranks in both."""
    there = right.ranks
    return [
        Move(doc_id, rank, there[doc_id]) for doc_id, rank in left.ranks.items() if doc_id in there
    ]


def _map_sentences(
    folder: Path,
) -> tuple[npt.NDArray[np.float16], npt.NDArray[np.int64]] | None:
    if not (folder / SENTENCES).is_file():
        return None
    return np.load(folder / SENTENCES, mmap_mode="r"), np.load(folder / STARTS)


def _counts(text: str, span: tuple[int, int]) -> bool:
    """Whether a span is among `sentences`, which the vectors are of."""
    return len(text[slice(*span)].strip()) >= SHORTEST
