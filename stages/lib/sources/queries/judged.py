"""Judged queries in a folder of files, which name what answers them by file and heading.

They are in BEIR's form (queries.jsonl and qrels/SPLIT.tsv), with names such as guide/install.md and
guide/install.md#Requirements in the place of ids, which an edit of the text does not change.
"""

from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path

from stages.lib.core.characters import cleaned
from stages.lib.core.collection import Qrels
from stages.lib.core.text import normal
from stages.lib.sources.beir import read_judgements
from stages.lib.sources.formats.section import Titles
from stages.lib.sources.source import PlacedQuery

HEADINGS = 3
"""Signs "#" in a name from which on, one after the other, a heading may begin."""


class Judged:
    """The queries of a folder, by split, and the names that their judgements give to documents."""

    def __init__(self, folder: Path) -> None:
        self.queries: dict[str, list[PlacedQuery]] = {}
        self._qrels: dict[str, Qrels] = {}
        self._names: dict[str, list[tuple[str, str]]] = defaultdict(list)
        """By file: headings, or "" for all of it, and the names that give them."""
        self._documents: dict[str, list[str]] = defaultdict(list)
        """By name."""
        if (folder / "qrels").is_dir():
            self.queries, self._qrels = read_judgements(folder)
        for name in {
            name for qrels in self._qrels.values() for row in qrels.values() for name in row
        }:
            self._add(name)

    def __bool__(self) -> bool:
        return bool(self._qrels)

    def _add(self, name: str) -> None:
        given = cleaned(name).strip().replace("\\", "/").removeprefix("./")
        self._names[given].append(("", name))
        parts = given.split("#")
        for number in range(1, min(len(parts), HEADINGS + 1)):
            heading = normal("#".join(parts[number:]))
            self._names["#".join(parts[:number])].append((heading, name))

    def meet(self, place: str, titles: Titles, anchors: Iterable[str], doc_id: str) -> None:
        """Takes a document as the answer of all names that are its file's or its heading's."""
        names = self._names.get(cleaned(place))
        if not names:
            return
        path = [normal(title) for title in titles]
        known = {*path, *map(normal, anchors)}
        for heading, name in names:
            if not heading or heading in known or _ends(path, heading):
                self._documents[name].append(doc_id)

    def qrels(self) -> dict[str, Qrels]:
        """The judgements by split, with the documents that were met in the place of names.

        A name that nothing was met for stays, as a judgement of what does not exist.
        """
        found: dict[str, Qrels] = {}
        for split, qrels in self._qrels.items():
            found[split] = {}
            for query_id, row in qrels.items():
                judged = found[split].setdefault(query_id, {})
                for name, grade in row.items():
                    for doc_id in self._documents.get(name, [name]):
                        judged[doc_id] = max(grade, judged.get(doc_id, grade))
        return found


def _ends(path: list[str], heading: str) -> bool:
    """Whether a heading such as "Install > Linux" is a part of the path of titles."""
    wanted = [title.strip() for title in heading.split(">")]
    starts = range(len(path) - len(wanted) + 1)
    return any(path[start : start + len(wanted)] == wanted for start in starts)
