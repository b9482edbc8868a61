"""Which documents get queries, and the queries that came back."""

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

from stages.lib import seeds
from stages.lib.collection import Corpus, Document
from stages.lib.llm.answers import SyntheticQueries
from stages.lib.params import Generate
from stages.lib.similarity import words


def sources(corpus: Corpus, params: Generate, seed: int) -> list[Document]:
    """The documents to write queries for, drawn by hash among those that are long enough."""
    long = [each for each in corpus.values() if len(words(each.contents)) >= params.min_words]
    order = seeds.shuffled(seed, (each.doc_id for each in long), "generate")
    chosen = sorted(order[: params.documents] if params.documents else order)
    return [corpus[doc_id] for doc_id in chosen]


def rows(answers: Mapping[str, SyntheticQueries], types: Sequence[str]) -> list[dict[str, Any]]:
    """The queries of the types asked for, sorted, with ids that come from their texts."""
    found = []
    for doc_id, answer in answers.items():
        for query in answer.queries:
            text = " ".join(query.text.split())
            if query.type in types and text:
                found.append(
                    {
                        "_id": query_id(doc_id, query.type, text),
                        "doc_id": doc_id,
                        "type": query.type,
                        "text": text,
                    }
                )
    return sorted({row["_id"]: row for row in found}.values(), key=lambda row: row["_id"])


def query_id(doc_id: str, kind: str, text: str) -> str:
    """An id that stays the same for the same query of the same document."""
    digest = hashlib.sha256("\x1f".join((doc_id, kind, text)).encode()).hexdigest()
    return f"syn-{digest[:16]}"
