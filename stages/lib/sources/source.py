"""A collection as its source gives it, before faults are handled."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import NamedTuple

from stages.lib.core.collection import Document, Qrels


class Placed(NamedTuple):
    """A document and where it was read, for errors about it."""

    place: str
    document: Document


class PlacedQuery(NamedTuple):
    """A query and where it was read, for errors about it."""

    place: str
    query_id: str
    text: str


@dataclass(slots=True)
class Source:
    """A collection with its faults; its documents can be read once."""

    name: str
    documents: Iterable[Placed]
    queries: dict[str, list[PlacedQuery]] = field(default_factory=dict)
    """By split."""
    qrels: dict[str, Qrels] = field(default_factory=dict)
    """By split."""
    counts: Counter[str] = field(default_factory=Counter)
    """What the source counted on the way, complete once the documents have been read."""
    notes: list[str] = field(default_factory=list)
    """What people should know of it, a line each, complete once the documents have been read."""
    answers: dict[str, list[str]] = field(default_factory=dict)
    """Right answers by query_id, where the source has some."""
