"""Searching as users do: through the default query profile, which is the live model's."""

from dataclasses import dataclass

from stages.lib.errors import UserError
from stages.lib.vespa.search.connection import Connection
from stages.lib.vespa.search.engine import ask


@dataclass(frozen=True, slots=True)
class Hit:
    """A document that was found; `score` is the live profile's, comparable within a query alone."""

    doc_id: str
    title: str
    text: str
    score: float

    @property
    def heading(self) -> str:
        """The title in a line, or the beginning of the text where there is none."""
        return " ".join((self.title or self.text).split())


def search_live(connection: Connection, text: str, number: int = 10) -> list[Hit]:
    """The best documents for a text, best first.

    Raises:
        UserError: the text is blank, nothing is deployed, or Vespa refuses the query.

    """
    if not text.strip():
        raise UserError('Q: is empty; type make query Q="what to look for"')
    # the text goes in by reference alone, so that no sign in it is taken for Vespa's language
    (answer,) = ask(connection, [{"query": text, "hits": number}])
    return [
        Hit(
            hit["fields"]["doc_id"],
            hit["fields"].get("title", ""),
            hit["fields"].get("text", ""),
            float(hit["relevance"]),
        )
        for hit in answer["root"].get("children", [])
    ]
