"""Documents of the same text are one answer."""

from collections.abc import Mapping

from stages.lib.core.collection import Corpus
from stages.lib.core.text import text_digest

Copies = Mapping[str, tuple[str, ...]]
"""By the id of a document that has copies: the ids of all of them, its own too, sorted."""


def find_copies(corpus: Corpus) -> Copies:
    """The documents whose text others have, too; case and white space aside."""
    first: dict[int, str] = {}
    groups: dict[str, list[str]] = {}
    for doc_id, document in corpus.items():
        kept = first.setdefault(text_digest(document.contents), doc_id)
        if kept != doc_id:
            groups.setdefault(kept, [kept]).append(doc_id)
    return {doc_id: tuple(sorted(group)) for group in groups.values() for doc_id in group}


def same_text(doc_id: str, copies: Copies) -> tuple[str, ...]:
    """The ids of a document and its copies, sorted."""
    return copies.get(doc_id, (doc_id,))
