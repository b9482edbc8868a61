"""Queries of other tools as recorded answers, which the stages take like a language model's."""

from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from stages.lib.cleaning import text_digest
from stages.lib.collection import Document
from stages.lib.errors import UserError
from stages.lib.files import write_json, write_jsonl
from stages.lib.params import Prepare
from stages.lib.sources.synthetic import Written

TYPE = "imported"
"""The type of these queries, to be named in generate.types."""


def match(
    rows: Iterable[Written], corpus: Iterable[Document], policy: Prepare
) -> tuple[dict[str, set[str]], Counter[str]]:
    """The queries by the document that each was written for.

    A document is known by its id or else, since other tools cut and name documents in their own
    way, by its text, with or without the title.

    Returns:
        Texts of queries by doc_id, and counts: `imported_queries`, and those `imported_dangling`,
        whose document does not exist.

    """
    ids: set[str] = set()
    by_text: dict[int, str] = {}
    for document in corpus:
        ids.add(document.doc_id)
        for text in (document.contents, document.text):
            by_text.setdefault(text_digest(text), document.doc_id)
    queries: dict[str, set[str]] = {}
    counts: Counter[str] = Counter(imported_queries=0, imported_dangling=0)
    place = ""
    for place, query, doc_id, text in rows:
        known = doc_id if doc_id in ids else by_text.get(text_digest(text)) if text else None
        if known is None and policy.dangling_qrels == "error":
            raise UserError(
                f"{place}: no document {doc_id!r} or with its text; mend it or set "
                "prepare.dangling_qrels to drop"
            )
        counts["imported_dangling" if known is None else "imported_queries"] += 1
        if known is not None and query.strip():
            queries.setdefault(known, set()).add(" ".join(query.split()))
    if not queries:
        raise UserError(
            f"prepare.queries_path: none of {counts['imported_dangling']} queries names a document "
            f"of the corpus{f' (the last: {place})' if place else ''}; is it another collection's?"
        )
    return queries, counts


def write_recording(folder: Path, queries: dict[str, set[str]], tool: str) -> None:
    """Writes rules.json and queries.jsonl, as `llm.provider: recorded` reads them."""
    folder.mkdir()
    write_json(folder / "rules.json", {"rules": [f"The queries were written with {tool}."]})
    write_jsonl(folder / "queries.jsonl", _answers(queries))


def _answers(queries: dict[str, set[str]]) -> Iterator[dict[str, Any]]:
    for doc_id in sorted(queries):
        written = [{"type": TYPE, "text": text} for text in sorted(queries[doc_id])]
        yield {"doc_id": doc_id, "queries": written}
