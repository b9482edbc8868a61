"""A part of a file, as every reader gives it."""

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import groupby

Titles = tuple[str, ...]
"""The path of titles above a text."""


@dataclass(frozen=True, slots=True)
class Section:
    """The text below one heading, with the path of titles that leads to it."""

    titles: Titles
    text: str
    anchors: tuple[tuple[int, str], ...] = field(default=(), compare=False)
    """Fragments of addresses, as page=2 in a.pdf#page=2, and from which character on each leads to
    the text; white space does not count, since it is cleaned on the way."""

    def between(self, start: int, stop: int) -> list[str]:
        """The fragments that lead to a part of the text, first to last.

        Args:
            start: the characters before it, without white space.
            stop: the same with its own.

        """
        first = bisect_right(self.anchors, start, key=lambda anchor: anchor[0])
        last = bisect_left(self.anchors, stop, key=lambda anchor: anchor[0])
        return [name for _, name in self.anchors[max(0, first - 1) : last]]


def solid(text: str) -> int:
    """The characters of a text without white space."""
    return len("".join(text.split()))


def merged(pieces: Iterable[Section]) -> list[Section]:
    """Pieces with the same titles in a row as one, without those that have no text."""
    sections = []
    for titles, group in groupby(pieces, key=lambda piece: piece.titles):
        texts: list[str] = []
        anchors: list[tuple[int, str]] = []
        characters = 0
        for piece in group:
            for start, fragment in piece.anchors:
                if not anchors or anchors[-1][1] != fragment:
                    anchors.append((characters + start, fragment))
            characters += solid(piece.text)
            texts.append(piece.text)
        text = re.sub(r"(?<=\S)  +", " ", "".join(texts))
        text = re.sub(r"(?<![ \t])[ \t]*+\n\s*\n\s*", "\n\n", text).strip()
        if text:
            sections.append(Section(titles, text, tuple(anchors)))
    return sections


Token = tuple[int, str, str]
"""A heading with its level from 1 and its anchor, or a piece of text with level 0."""


def by_headings(tokens: list[Token], name: str) -> list[Section]:
    """Sections by the headings above them, below the only one of the first level or `name`."""
    first = [text for level, text, _ in tokens if level == 1]
    alone = len(first) == 1
    return merged(_titled(tokens, (first[0] if alone else "") or name, alone=alone))


def _titled(tokens: Iterable[Token], title: str, *, alone: bool) -> Iterator[Section]:
    """The text below each heading, with the titles above; `alone`: the h1 is the page's title."""
    path: list[tuple[int, str]] = []
    anchor = ""
    texts: list[str] = []
    for level, text, name in (*tokens, (1, "", "")):
        if not level:
            texts.append(text)
            continue
        titles = (title, *(text for _, text in path))
        yield Section(titles, "".join(texts), ((0, anchor),) if anchor else ())
        texts.clear()
        anchor = name
        path = [above for above in path if above[0] < level]
        if text and not (alone and level == 1):
            path.append((level, text))


class OnlyLinks(Exception):  # noqa: N818 -- not an error of the file
    """A page that does nothing but lead to others, which search finds by themselves."""
