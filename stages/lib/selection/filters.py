"""Filters the generated queries down to those that are worth training on.

Each filter takes the survivors of the one before, so that the counts tell where queries die.
"""

from collections.abc import Container, Iterable, Sequence
from dataclasses import dataclass, field

from stages.lib.core import seeds
from stages.lib.core.collection import Corpus, Document, Split
from stages.lib.core.generated import Generated
from stages.lib.core.text import jaccard, words
from stages.lib.params import Select
from stages.lib.search.engine import Engine, Run
from stages.lib.selection.copies import Copies, same_text
from stages.lib.selection.leaks import nearest


@dataclass(slots=True)
class Survivors:
    """The queries that are left, how many were left after each filter, and what each dropped."""

    queries: list[Generated]
    counts: dict[str, int] = field(default_factory=dict)
    dropped: dict[str, list[Generated]] = field(default_factory=dict)

    def keep(self, step: str, kept: Iterable[Generated]) -> None:
        """Records a filter's survivors."""
        before, self.queries = self.queries, list(kept)
        left = {query.query_id for query in self.queries}
        self.dropped[step] = [query for query in before if query.query_id not in left]
        self.counts[step] = len(self.queries)


@dataclass(slots=True)
class Splits:
    """The splits by source document.

    `train` and `dev` hold confirmed queries. `asked` holds all queries of dev's documents as they
    were before the round trip, so that those are among them whose document the base misses.
    """

    train: Split = field(default_factory=Split)
    dev: Split = field(default_factory=Split)
    asked: Split = field(default_factory=Split)

    @property
    def by_name(self) -> dict[str, Split]:
        """The splits by the names of their folders."""
        return {"train": self.train, "dev": self.dev, "asked": self.asked}


def sift(
    queries: Iterable[Generated], evaluation: Sequence[str], params: Select, copies: Copies
) -> Survivors:
    """Filters queries by form, repetition and leaks.

    Args:
        queries: the queries, each with the document that it was made for.
        evaluation: texts of dev and test queries, which no query may repeat.
        params: the thresholds.
        copies: documents of the same text, which share their queries.

    """
    left = Survivors(sorted(queries, key=lambda query: query.query_id))
    left.counts["generated"] = len(left.queries)
    left.keep("well_formed", (q for q in left.queries if _well_formed(q.text, params)))
    left.keep("distinct", distinct(left.queries, copies))
    left.keep("dissimilar", dissimilar(left.queries, params.near_duplicate))
    leaks = nearest([query.text for query in left.queries], evaluation)
    left.keep(
        "not_leaking",
        (q for q, leak in zip(left.queries, leaks, strict=True) if leak < params.leak),
    )
    return left


def own_words(left: Survivors, corpus: Corpus, run: int) -> None:
    """Keeps the queries that do not repeat many words in a row of their document.

    The prompt forbids it, and weaker models do it all the same: such a query teaches copying, and
    flatters BM25.

    Args:
        left: the survivors so far.
        corpus: the documents.
        run: so many words in a row are copied; 0 keeps all.

    """
    left.keep(
        "in_own_words",
        (q for q in left.queries if not run or not copied(q.text, corpus[q.doc_id], run)),
    )


def copied(text: str, document: Document, run: int) -> bool:
    """Whether a query has so many words in a row from a document."""
    runs = _runs(text, run)
    return bool(runs) and not runs.isdisjoint(_runs(document.contents, run))


def _runs(text: str, length: int) -> set[tuple[str, ...]]:
    of_text = words(text)
    return {tuple(of_text[at : at + length]) for at in range(len(of_text) - length + 1)}


def round_trip(
    left: Survivors,
    retrievers: Sequence[Engine],
    teacher: Engine,
    params: Select,
    vouched: Container[str] = (),
) -> None:
    """Keeps the queries whose document comes back, and those that people vouch for.

    Args:
        left: the survivors so far.
        retrievers: one of them must find the document among its first `retriever_depth`.
        teacher: must find it among its first `teacher_depth`.
        params: the depths.
        vouched: ids of queries that people kept, whether their document comes back or not.

    """
    runs = [_run(engine, left.queries, params.retriever_depth) for engine in retrievers]

    def comes_back(query: Generated, found: Iterable[Run]) -> bool:
        rankings = (run[query.query_id] for run in found)
        return query.query_id in vouched or any(query.doc_id in ranking for ranking in rankings)

    left.keep("retrieved", (query for query in left.queries if comes_back(query, runs)))
    run = _run(teacher, left.queries, params.teacher_depth)
    left.keep("confirmed", (query for query in left.queries if comes_back(query, [run])))


def _well_formed(text: str, params: Select) -> bool:
    return params.min_words <= len(words(text)) <= params.max_words


def _run(engine: Engine, queries: Sequence[Generated], depth: int) -> Run:
    return engine.search({query.query_id: query.text for query in queries}, depth)


def distinct(queries: Iterable[Generated], copies: Copies) -> list[Generated]:
    """Leaves out every query whose words stand for more than one document, and repetitions.

    A text that was written for two documents tells neither from the other, unless they are copies.
    """
    first: dict[tuple[str, ...], Generated] = {}
    several: set[tuple[str, ...]] = set()
    for query in queries:
        text = tuple(words(query.text))
        kept = first.setdefault(text, query).doc_id
        if query.doc_id != kept and query.doc_id not in same_text(kept, copies):
            several.add(text)
    return [query for text, query in first.items() if text not in several]


def dissimilar(queries: Iterable[Generated], threshold: float) -> list[Generated]:
    """Leaves out queries that nearly repeat an earlier one of the same document."""
    kept: dict[str, list[Generated]] = {}
    out = []
    for query in queries:
        earlier = kept.setdefault(query.doc_id, [])
        if all(jaccard(query.text, other.text) < threshold for other in earlier):
            earlier.append(query)
            out.append(query)
    return out


def hold_out(
    sifted: Iterable[Generated],
    confirmed: Iterable[Generated],
    dev_share: float,
    seed: int,
    copies: Copies,
) -> Splits:
    """Splits by source document, whatever becomes of its queries on the round trip.

    Copies of a document are answers as it is, and in its split. Where two documents or more have
    confirmed queries, neither train nor dev is empty, whatever the draw: the lowest of these
    documents goes to dev, the highest to train.

    Args:
        sifted: the queries before the round trip.
        confirmed: those of them that survived it.
        dev_share: of the documents.
        seed: of the draw.
        copies: documents of the same text.

    """
    sifted, confirmed = list(sifted), list(confirmed)
    drawn = {source: seeds.share(seed, "dev", source) for source in _sources(sifted, copies)}
    held = {source for source, mark in drawn.items() if mark < dev_share}
    by_draw = sorted(_sources(confirmed, copies), key=lambda source: (drawn[source], source))
    held = (held | {*by_draw[:-1][:1]}) - {*by_draw[-1:]}
    splits = Splits()
    for query in confirmed:
        source = same_text(query.doc_id, copies)
        _add(splits.dev if source[0] in held else splits.train, query, source)
    for query in sifted:
        source = same_text(query.doc_id, copies)
        if source[0] in held:
            _add(splits.asked, query, source)
    return splits


def _sources(queries: Iterable[Generated], copies: Copies) -> set[str]:
    """The documents that queries were written for, the first of copies in the place of all."""
    return {same_text(query.doc_id, copies)[0] for query in queries}


def _add(split: Split, query: Generated, source: Sequence[str]) -> None:
    split.queries[query.query_id] = query.text
    split.qrels[query.query_id] = dict.fromkeys(source, 1)
