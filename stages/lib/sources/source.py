"""A collection as a source hands it over, before its faults are seen to."""

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
    """A collection as it was found, faults and all; documents can be read once."""

    name: str
    documents: Iterable[Placed]
    queries: dict[str, list[PlacedQuery]] = field(default_factory=dict)
    """By split."""
    qrels: dict[str, Qrels] = field(default_factory=dict)
    """By split."""
    counts: Counter[str] = field(default_factory=Counter)
    """What else the source has to say, complete once the documents have been read."""
