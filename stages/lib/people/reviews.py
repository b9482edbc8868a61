"""What people decided about generated queries: a folder with a file a person.

A file grows by a line a decision, found by the query's id, which is a hash of document, type and
text; of several decisions about a query the last one counts:

    {"query_id": "syn-1", "decision": "edit", "text": "…", "query": "…", "source": "d1",
     "who": "ann", "when": "…"}
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from stages.lib.core.collection import Corpus, Document
from stages.lib.core.files import read_jsonl
from stages.lib.core.generated import Generated, query_id
from stages.lib.core.text import one_line
from stages.lib.errors import UserError

DECISIONS = ("keep", "edit", "drop", "wrong_document", "undone")
"""`undone` takes the decision before it back."""
NAMES = ("query_id", "decision", "text", "doc_id", "who", "when", "query", "source")
"""What a line may hold."""


@dataclass(frozen=True, slots=True)
class Decision:
    """What one person decided about a query."""

    query_id: str
    decision: str
    text: str
    """The better text of an edit; "" else."""
    doc_id: str
    """The document that a query with a wrong document belongs to; "" where there is none."""
    who: str
    when: str
    query: str = ""
    """The query as it was shown; "" in lines of earlier versions."""
    source: str = ""
    """The document that it was shown with; "" in lines of earlier versions."""

    @property
    def row(self) -> dict[str, str]:
        """The decision as a line, without what it leaves open."""
        return {name: value for name in NAMES if (value := getattr(self, name))}

    @property
    def good(self) -> bool:
        """Whether the query is worth training on, as it is or in better words."""
        return self.decision in ("keep", "edit")


def as_decision(row: Mapping[str, Any]) -> Decision:
    """A line as a decision.

    Raises:
        ValueError: it is of another form.

    """
    values = [row.get(name, "") for name in NAMES]
    if not all(isinstance(value, str) for value in values) or not values[0]:
        raise ValueError('"query_id", "decision", "text" and "doc_id" are strings')
    found = Decision(*values)
    if found.decision not in DECISIONS:
        raise ValueError(f"expected a decision of {', '.join(DECISIONS)}, got {values[1]!r}")
    if found.decision == "edit" and not one_line(found.text):
        raise ValueError("an edit needs a text")
    return found


def read_decisions(folder: Path) -> dict[str, Decision]:
    """The decisions by query_id; none where the folder has none.

    Raises:
        UserError: a line is of another form.

    """
    found: dict[str, Decision] = {}
    for path in sorted(folder.glob("*.jsonl")):
        for number, row in read_jsonl(path):
            try:
                decision = as_decision(row)
            except ValueError as error:
                raise UserError(f"{path}:{number}: {error}") from error
            earlier = found.get(decision.query_id)
            if earlier is None or earlier.when <= decision.when:
                found[decision.query_id] = decision
    return {name: each for name, each in found.items() if each.decision != "undone"}


def good_examples(decisions: Mapping[str, Decision], corpus: Corpus) -> list[tuple[str, Document]]:
    """The queries that people kept or put in better words, with their documents, by query_id.

    Lines of earlier versions do not tell what was kept, and documents may have gone: such
    decisions give no example.
    """
    return [
        (one_line(each.text if each.decision == "edit" else each.query), corpus[each.source])
        for _, each in sorted(decisions.items())
        if each.good and each.query and each.source in corpus
    ]


def reviewed(
    queries: Iterable[Generated], decisions: Mapping[str, Decision]
) -> tuple[list[Generated], set[str]]:
    """The queries as people want them, and the ids of those that they vouch for.

    Dropped ones are left out, edited ones have their new text, and those of a wrong document belong
    to the right one, or are left out where nobody named it.
    """
    kept: list[Generated] = []
    vouched: set[str] = set()
    for query in queries:
        decision = decisions.get(query.query_id)
        if decision is None:
            kept.append(query)
            continue
        if decision.decision == "drop" or (not decision.good and not decision.doc_id):
            continue
        doc_id = query.doc_id if decision.good else decision.doc_id
        text = one_line(decision.text) if decision.decision == "edit" else query.text
        new = Generated(query_id(doc_id, query.type, text), doc_id, query.type, text)
        if (doc_id, text) == (query.doc_id, query.text):
            new = query  # an imported query keeps the id that it came with
        kept.append(new)
        vouched.add(new.query_id)
    return kept, vouched
