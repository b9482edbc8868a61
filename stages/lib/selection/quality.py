"""What written queries are like, by measures that cost nothing, and which ones were left out.

A specific query finds the document that it was written for at once; one that fits many documents
finds it late. A query that breaks off or stutters comes from a model that is too weak, or was cut.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from statistics import fmean

from stages.lib.core import seeds
from stages.lib.core.generated import Generated
from stages.lib.core.text import words
from stages.lib.search.engine import Run
from stages.lib.selection.copies import Copies, same_text

EARLY = 10
"""Ranks within which a specific query finds its document."""
SHOWN = 3
"""Queries of each filter that the report shows."""
UNFINISHED = re.compile(r"[,;:([{\u2013\u2014-]\s*$|\b(?:and|or|the|of)\s*$", re.IGNORECASE)


def qualities(
    queries: Iterable[Generated], ranking: Run, copies: Copies
) -> dict[str, dict[str, float]]:
    """How long, specific and whole queries are, by their type.

    Args:
        queries: those of the right form, before any had to find its document.
        ranking: of the documents for each.
        copies: documents of the same text, of which any will do.

    Returns:
        By type: the queries, their words in the mean, the shares of those whose document comes
        first and of those for which it is not among the first ten, and the share of broken ones.

    """
    by_type: dict[str, list[tuple[Generated, int | None]]] = {}
    for query in queries:
        rank = _rank(ranking[query.query_id], same_text(query.doc_id, copies))
        by_type.setdefault(query.type, []).append((query, rank))
    return {
        kind: {
            "queries": len(found),
            "words": round(fmean(len(words(query.text)) for query, _ in found), 1),
            "first": _share(rank == 1 for _, rank in found),
            "late": _share(rank is None or rank > EARLY for _, rank in found),
            "broken": _share(is_broken(query.text) for query, _ in found),
        }
        for kind, found in sorted(by_type.items())
    }


def is_broken(text: str) -> bool:
    """Whether a query breaks off, or says a word twice in a row."""
    if UNFINISHED.search(text):
        return True
    return any(one == other and one.isalpha() for one, other in pairwise(words(text)))


def samples(
    dropped: Mapping[str, Sequence[Generated]], seed: int
) -> dict[str, list[dict[str, str]]]:
    """Some of the queries that each filter left out, drawn by hash."""
    drawn: dict[str, list[dict[str, str]]] = {}
    for step, queries in dropped.items():
        by_id = {query.query_id: query for query in queries}
        chosen = seeds.shuffled(seed, by_id, "left out", step)[:SHOWN]
        if chosen:
            drawn[step] = [
                {"text": by_id[name].text, "type": by_id[name].type, "doc_id": by_id[name].doc_id}
                for name in chosen
            ]
    return drawn


def _rank(found: Mapping[str, float], wanted: Iterable[str]) -> int | None:
    answers = {*wanted}
    return next((rank for rank, doc_id in enumerate(found, 1) if doc_id in answers), None)


def _share(marks: Iterable[bool]) -> float:
    return round(fmean(marks), 4)
