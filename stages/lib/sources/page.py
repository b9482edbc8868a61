"""HTML pages, read into sections by their headings, in time that grows with their length alone."""

import re
from collections.abc import Iterable, Iterator
from itertools import groupby
from warnings import filterwarnings

from bs4 import BeautifulSoup, Tag, XMLParsedAsHTMLWarning
from bs4.element import NavigableString

from stages.lib.core.text import one_line
from stages.lib.sources.chunking import Section

HEADINGS = {"h1": 1, "h2": 2, "h3": 3, "h4": 4, "h5": 5, "h6": 6}
"""The level of each."""
BLOCKS = {
    *("address", "blockquote", "br", "dd", "details", "div", "dl", "dt", "fieldset", "figcaption"),
    *("figure", "hr", "li", "ol", "p", "pre", "section", "summary", "table", "tr", "ul"),
    *HEADINGS,
}
"""Elements that begin and end a line of text."""
BODIES = {"article", "dl", "ol", "p", "pre", "section", "table", "ul", *HEADINGS}
"""Elements before which a heading that nobody closed ends."""
FURNITURE = {
    *("script", "style", "noscript", "template", "svg", "nav", "aside", "footer", "button"),
    *("select", "title"),
}
"""Elements around the text of a page, which are left out."""

Token = tuple[int, str]
"""A heading with its level from 1, or a piece of text with 0."""

filterwarnings("ignore", category=XMLParsedAsHTMLWarning)


def html_sections(markup: str | bytes, name: str) -> list[Section]:
    """The sections of a page: its main part, without navigation and the like.

    Args:
        markup: the page; bytes in the encoding that it declares.
        name: the title of a page that has neither one heading of the first level nor a <title>.

    """
    soup = BeautifulSoup(markup, "lxml")
    title = _line([soup.title.get_text(" ")]) if soup.title else ""
    parts = (_part(soup, "main"), _part(soup, "article"), soup.body, soup)
    for part in filter(None, parts):
        tokens = list(_tokens(part))
        first = [text for level, text in tokens if level == 1]
        alone = len(first) == 1
        shown = (first[0] if alone else "") or title or name
        if sections := merged(_titled(tokens, shown, alone=alone)):
            return sections
    return []


def merged(pieces: Iterable[Section]) -> list[Section]:
    """Pieces with the same titles in a row as one, without those that have no text."""
    sections = []
    for titles, group in groupby(pieces, key=lambda piece: piece.titles):
        text = re.sub(r"(?<=\S)  +", " ", "".join(piece.text for piece in group))
        text = re.sub(r"(?<![ \t])[ \t]*+\n\s*\n\s*", "\n\n", text).strip()
        if text:
            sections.append(Section(titles, text))
    return sections


def _part(soup: BeautifulSoup, name: str) -> Tag | None:
    """The element of a name that is shown, or what holds all of several."""
    found = [tag for tag, begins in _events(soup, {name}) if begins and _is(tag, name)]
    if len(found) < 2:
        return found[0] if found else None  # type: ignore[return-value]
    above = {id(parent) for parent in found[0].parents}
    return next(parent for parent in found[-1].parents if id(parent) in above)


def _is(element: object, name: str) -> bool:
    return isinstance(element, Tag) and element.name == name


def _events(root: Tag, closed: Iterable[str] = ()) -> Iterator[tuple[Tag | NavigableString, bool]]:
    """Elements where they begin (True) and end (False), and texts, in the page's order.

    Args:
        root: what to walk, which has no events of its own.
        closed: elements whose insides are left out.

    """
    way = [(root, iter(root.contents))]
    while way:
        tag, children = way[-1]
        child = next(children, None)
        if child is None:
            way.pop()
            if way:
                yield tag, False
        elif isinstance(child, Tag):
            if not _hidden(child):
                yield child, True
                way.append((child, iter(() if child.name in closed else child.contents)))
        elif type(child) is NavigableString:  # its sub-classes are comments and the like
            yield child, True


def _hidden(tag: Tag) -> bool:
    # what a search in the page brings to light is content
    return "hidden" in tag.attrs and tag.attrs["hidden"] != "until-found"


def _tokens(body: Tag) -> Iterator[Token]:
    titled = _above_headings(body)
    heading: _Heading | None = None
    left_out = verbatim = 0
    for element, begins in _events(body):
        if isinstance(element, Tag):
            name, step = element.name, 1 if begins else -1
            if heading and (element is heading.tag or (name in BODIES and heading.words)):
                yield heading.level, heading.title()
                heading = None
            if name in FURNITURE or (name == "header" and id(element) not in titled):
                left_out += step
            if name == "pre":
                verbatim += step
            if left_out or heading:
                continue
            if name in BLOCKS:
                yield 0, "\n\n"
            elif name in {"td", "th"} and begins:
                yield 0, " "
            if begins and name in HEADINGS:
                heading = _Heading(element)
        elif heading:
            (heading.controls if left_out else heading.words).extend(element.split())
        elif not left_out:
            yield 0, str(element) if verbatim else re.sub(r"\s+", " ", element)
    if heading:
        yield heading.level, heading.title()


class _Heading:
    """A heading as its words come in."""

    def __init__(self, tag: Tag) -> None:
        self.tag = tag
        self.level = HEADINGS[tag.name]
        self.words: list[str] = []
        self.controls: list[str] = []
        """Of buttons and the like: the title of a part that opens is one itself."""

    def title(self) -> str:
        return _line(self.words or self.controls)


def _above_headings(body: Tag) -> set[int]:
    """The elements that hold a heading."""
    above: set[int] = set()
    for heading in body.find_all(HEADINGS):
        for parent in heading.parents:
            if id(parent) in above:
                break
            above.add(id(parent))
    return above


def _titled(tokens: Iterable[Token], title: str, *, alone: bool) -> Iterator[Section]:
    """Each piece of text with the titles above it; `alone`: the h1 is the page's title."""
    path: list[tuple[int, str]] = []
    for level, text in tokens:
        if level:
            path = [above for above in path if above[0] < level]
            if text and not (alone and level == 1):
                path.append((level, text))
        else:
            yield Section((title, *(text for _, text in path)), text)


def _line(texts: Iterable[str]) -> str:
    # many pages end a heading with a sign that links to it
    return re.sub(r"\s[#\u00a7\u00b6]$", "", one_line(" ".join(texts)))
