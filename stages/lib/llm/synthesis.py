"""Which documents get queries, and the queries that came back."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from stages.lib.core import seeds
from stages.lib.core.collection import Corpus
from stages.lib.core.generated import query_id
from stages.lib.core.text import has_words, words
from stages.lib.llm_params import Generate


def sources(corpus: Corpus, params: Generate, seed: int) -> list[str]:
    """The doc_ids to write queries for, sorted: drawn by hash among those that are long enough."""
    long = [
        doc_id
        for doc_id, document in corpus.items()
        if has_words(document.contents, params.min_words)
    ]
    if params.documents:
        long = seeds.shuffled(seed, long, "generate")[: params.documents]
    return sorted(long)


def rows(answers: Mapping[str, Iterable[Mapping[str, str]]]) -> list[dict[str, str]]:
    """The queries as rows of JSONL, sorted by ids that come from document, type and text.

    Args:
        answers: text by type, for each question about a document, by doc_id.

    """
    queries = {
        query_id(doc_id, kind, text): (doc_id, kind, text)
        for doc_id, parts in answers.items()
        for part in parts
        for kind, text in part.items()
    }
    return [
        {"_id": identifier, "doc_id": doc_id, "type": kind, "text": text}
        for identifier, (doc_id, kind, text) in sorted(queries.items())
    ]


SHOWN = 12
"""Queries, and words, that the report shows."""
SHORTEST = 3
"""Characters of a word that tells something by being foreign, in scripts with spaces."""


def shown(queries: Sequence[Mapping[str, str]], seed: int) -> list[Mapping[str, str]]:
    """A sample of the rows, drawn by hash."""
    by_id = {row["_id"]: row for row in queries}
    return [by_id[each] for each in seeds.shuffled(seed, by_id, "shown")[:SHOWN]]


def foreign(queries: Sequence[Mapping[str, str]], corpus: Corpus) -> dict[str, Any]:
    """How many queries have a word that no document of the collection has, and which words.

    A few are synonyms and other forms of words. One word in many queries came from elsewhere.
    """
    by_query = [set(words(row["text"])) for row in queries]
    left = set().union(*by_query)
    for document in corpus.values():
        left.difference_update(words(document.contents))
        if not left:
            break
    left = {word for word in left if len(word) >= SHORTEST or not word.isascii()}
    counts = Counter(word for found in by_query for word in found & left)
    number = sum(not left.isdisjoint(found) for found in by_query)
    most = sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))[:SHOWN]
    return {"queries": number, "share": round(number / len(queries), 4), "most": dict(most)}
