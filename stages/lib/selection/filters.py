"""Filters the generated queries down to those that are worth training on.

Each filter takes the survivors of the one before, so that the counts tell where queries die.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from stages.lib.core import seeds
from stages.lib.core.collection import Split
from stages.lib.core.generated import Generated
from stages.lib.core.text import jaccard, words
from stages.lib.params import Select
from stages.lib.search.engine import Engine, Run
from stages.lib.selection.copies import Copies, same_text
from stages.lib.selection.leaks import nearest


@dataclass(slots=True)
class Survivors:
    """The queries that are left, and how many were left after each filter."""

    queries: list[Generated]
    counts: dict[str, int] = field(default_factory=dict)

    def keep(self, step: str, kept: Iterable[Generated]) -> None:
        """Records a filter's survivors."""
        self.queries = list(kept)
        self.counts[step] = len(self.queries)


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


def round_trip(
    left: Survivors, retrievers: Sequence[Engine], teacher: Engine, params: Select
) -> None:
    """Keeps the queries whose document comes back.

    Args:
        left: the survivors so far.
        retrievers: one of them must find the document among its first `retriever_depth`.
        teacher: must find it among its first `teacher_depth`.
        params: the depths.

    """
    runs = [_run(engine, left.queries, params.retriever_depth) for engine in retrievers]
    left.keep(
        "retrieved", (q for q in left.queries if any(q.doc_id in run[q.query_id] for run in runs))
    )
    run = _run(teacher, left.queries, params.teacher_depth)
    left.keep("confirmed", (q for q in left.queries if q.doc_id in run[q.query_id]))


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
    queries: Iterable[Generated], dev_share: float, seed: int, copies: Copies
) -> tuple[Split, Split]:
    """Splits by source document into a train and a synthetic dev split.

    Copies of a document are answers as it is, and in its split. Where two documents or more have
    queries, neither split is empty, whatever the draw: the lowest goes to dev, the highest to
    train.
    """
    queries = list(queries)
    sources = [same_text(query.doc_id, copies) for query in queries]
    drawn = {source[0]: seeds.share(seed, "dev", source[0]) for source in sources}
    by_draw = sorted(drawn, key=lambda doc_id: (drawn[doc_id], doc_id))
    held = {doc_id for doc_id in by_draw[:-1] if drawn[doc_id] < dev_share} | {*by_draw[:-1][:1]}
    train, dev = Split(), Split()
    for query, source in zip(queries, sources, strict=True):
        split = dev if source[0] in held else train
        split.queries[query.query_id] = query.text
        split.qrels[query.query_id] = dict.fromkeys(source, 1)
    return train, dev
