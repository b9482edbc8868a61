"""Queries of other tools, matched to the documents that they were written for."""

from collections import Counter
from collections.abc import Iterable

from stages.lib.core.characters import cleaned
from stages.lib.core.collection import Document
from stages.lib.core.generated import Generated, query_id
from stages.lib.core.text import one_line, text_digest
from stages.lib.errors import UserError
from stages.lib.params import Prepare
from stages.lib.sources.queries.written import Written

TYPE = "imported"
"""The type of these queries."""


def match(
    rows: Iterable[Written], corpus: Iterable[Document], policy: Prepare
) -> tuple[list[Generated], Counter[str]]:
    """The queries with the documents of the corpus.

    A document is known by its id or else, since other tools cut and name documents in their own
    way, by its text, with or without the title.

    Returns:
        The queries, and counts: `imported_queries`, and those `imported_dangling`, whose document
        does not exist.

    """
    ids: set[str] = set()
    by_text: dict[int, str] = {}
    for document in corpus:
        ids.add(document.doc_id)
        for text in (document.contents, document.text):
            by_text.setdefault(text_digest(text), document.doc_id)
    queries: list[Generated] = []
    counts: Counter[str] = Counter(imported_queries=0, imported_dangling=0)
    for place, written, doc_id, text in rows:
        same = by_text.get(text_digest(cleaned(text))) if text else None
        own_id = doc_id if doc_id in ids else same
        query = one_line(cleaned(written))
        if own_id is None:
            if policy.dangling_qrels == "error":
                raise UserError(
                    f"{place}: no document {doc_id!r} and none with its text; mend it or set "
                    "prepare.dangling_qrels to drop"
                )
            counts["imported_dangling"] += 1
        elif query:
            queries.append(Generated(query_id(own_id, TYPE, query), own_id, TYPE, query))
    if not queries:
        raise UserError(
            f"prepare.queries_path: {policy.queries_path}: none of "
            f"{counts['imported_dangling']} queries names a document of the corpus; "
            "is it another collection's?"
        )
    counts["imported_queries"] = len({query.query_id for query in queries})
    return queries, counts
