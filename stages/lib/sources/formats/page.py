"""HTML pages, read into sections by their headings, in time that grows with their length alone."""

import re
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import NamedTuple
from warnings import filterwarnings

from bs4 import BeautifulSoup, Tag, XMLParsedAsHTMLWarning
from bs4.element import NavigableString

from stages.lib.core.text import one_line
from stages.lib.sources.formats.plain import MARKS, binary, without_front_matter
from stages.lib.sources.formats.section import OnlyLinks, Section, Token, by_headings, solid

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
CONTENTS_CLASSES = {
    *("toc", "toctree-wrapper", "table-of-contents", "tableofcontents", "contents", "headerlink"),
    *("breadcrumb", "breadcrumbs", "footnote-backref", "fn-backref", "skip-link"),
}
"""Classes of tables of contents and of links that lead around."""
CONTENTS_ROLES = {"navigation", "directory", "doc-toc", "doc-index", "doc-backlink", "search"}
"""Roles of the same, where there is one."""
PANELS = {"tabpanel", "region"}
"""Roles of parts that a click shows."""
ADMONITIONS = {
    *("attention", "caution", "danger", "error", "hint", "important", "info", "note", "see also"),
    *("seealso", "tip", "warning", "example", "abstract", "summary", "success", "question"),
    *("failure", "bug", "quote", "todo", "notes", "tips", "warnings"),
}
"""Titles that only mark a part as a note or a warning."""
TITLE_CLASSES = {"admonition-title", "admonition-heading", "markdown-alert-title"}
"""Classes of such titles."""
SIGNS = {"\u2191", "\u21a9", "\u21a9\ufe0e", "^", "#", "\u00a7", "\u00b6"}
"""Texts of links that lead back."""
ELEMENTS = 200_000
"""Elements of a page, which take about ten seconds and half a gigabyte."""
NOTE = re.compile(r"\[?[0-9]{1,3}\]?")
"""Texts of links that lead to a note."""
LINKS = 5
"""The fewest links of a page that is but links..."""
LINKED = 0.9
"""...and the share of its characters that stand in them."""

filterwarnings("ignore", category=XMLParsedAsHTMLWarning)


def page_sections(path: Path, name: str) -> list[Section]:
    """The sections of an HTML file, whose front matter may tell the title."""
    data = path.read_bytes()
    if not data.startswith(tuple(mark for mark, _ in MARKS)) and b"\0" in data:
        raise binary(path)
    if data.startswith(b"---") and data.isascii():
        title, below = without_front_matter(data.decode().replace("\r\n", "\n"))
        return html_sections(below, title or name)
    return html_sections(data, name)


def html_sections(markup: str | bytes, name: str) -> list[Section]:
    """The sections of a page: its main part, without navigation and the like.

    Args:
        markup: the page; bytes in the encoding that it declares.
        name: the title of a page that has neither one heading of the first level nor a <title>.

    Raises:
        OnlyLinks: the page does nothing but lead to others.
        ValueError: it has more elements than a page would.

    """
    less, slash = (b"<", b"</") if isinstance(markup, bytes) else ("<", "</")
    if markup.count(less) - markup.count(slash) > ELEMENTS:  # type: ignore[arg-type]
        raise ValueError(f"more than {ELEMENTS:,} elements: split it")
    soup = BeautifulSoup(markup, "lxml")
    title = _line([soup.title.get_text(" ")]) if soup.title else ""
    shown = _shown_by_clicks(soup)
    parts = (_part(soup, "main", shown), _part(soup, "article", shown), soup.body, soup)
    for part in filter(None, parts):
        walk = _Walk(part, shown)
        if sections := by_headings(list(walk.tokens()), title or name):
            if walk.links >= LINKS and walk.linked >= LINKED * (walk.linked + walk.told):
                raise OnlyLinks
            return sections
    return []


def _part(soup: BeautifulSoup, name: str, shown: set[str]) -> Tag | None:
    """The element of a name that is shown, or what holds all of several."""
    found = [tag for tag, begins in _events(soup, shown, name) if begins and _is(tag, name)]
    if len(found) < 2:
        return found[0] if found else None  # type: ignore[return-value]
    above = {id(parent) for parent in found[0].parents}
    return next(parent for parent in found[-1].parents if id(parent) in above)


def _is(element: object, name: str) -> bool:
    if not isinstance(element, Tag):
        return False
    return element.name == name or (name == "main" and element.attrs.get("role") == "main")


def _events(
    root: Tag, shown: set[str], closed: str = ""
) -> Iterator[tuple[Tag | NavigableString, bool]]:
    """Elements where they begin (True) and end (False), and texts, in the page's order.

    Args:
        root: what to walk, which has no events of its own.
        shown: the ids of hidden elements that a click shows.
        closed: the name of elements whose insides are left out.

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
            if not _hidden(child, shown):
                yield child, True
                way.append((child, iter(() if _is(child, closed) else child.contents)))
        elif type(child) is NavigableString:  # its sub-classes are comments and the like
            yield child, True


def _hidden(tag: Tag, shown: set[str]) -> bool:
    # what a search in the page or a click brings to light is content
    return (
        "hidden" in tag.attrs
        and tag.attrs["hidden"] != "until-found"
        and tag.attrs.get("role") not in PANELS
        and tag.attrs.get("id") not in shown
    )


def _shown_by_clicks(soup: BeautifulSoup) -> set[str]:
    """The ids of the elements that controls of a page show."""
    return {
        name
        for tag in soup.find_all(None, {"aria-controls": True})
        for name in str(tag.attrs["aria-controls"]).split()
    }


class _Block(NamedTuple):
    """The text of a block as it comes in; one that only leads to places of its page is none."""

    texts: list[str]
    links_within: list[str]

    def taken(self) -> str:
        text = "".join(self.texts)
        self.texts.clear()
        within = "".join(self.links_within)
        self.links_within.clear()
        return "" if within.strip() and solid(text) == solid(within) else text


class _Walk:
    """Reads the tokens of an element, and counts what stands in links and outside."""

    def __init__(self, body: Tag, shown: set[str]) -> None:
        self._body = body
        self._shown = shown
        self._block = _Block([], [])
        self.links = self.linked = self.told = 0

    def tokens(self) -> Iterator[Token]:
        """Headings and pieces of text, in order."""
        titled, worded = _above(self._body, list(HEADINGS)), _above(self._body, ["p", "pre"])
        heading: _Heading | None = None
        left_out = verbatim = in_link = within = 0
        for element, begins in _events(self._body, self._shown):
            if isinstance(element, Tag):
                name, step = element.name, 1 if begins else -1
                if heading and (element is heading.tag or (name in BODIES and heading.words)):
                    yield heading.level, heading.title(), heading.anchor
                    heading = None
                filled = id(element) in titled and id(element) in worded
                if _is_furniture(element, filled) or (
                    name == "header" and id(element) not in titled
                ):
                    left_out += step
                if name == "pre":
                    verbatim += step
                if name == "a" and "href" in element.attrs:
                    in_link += step
                    within += step if str(element.attrs["href"]).startswith("#") else 0
                    self.links += begins and not left_out and not heading
                if heading and begins:
                    heading.lead(element)
                if left_out or heading:
                    continue
                if name in BLOCKS:
                    yield 0, self._block.taken() + "\n\n", ""
                elif name in {"td", "th"} and begins:
                    self._block.texts.append(" ")
                if begins and name in HEADINGS:
                    heading = _Heading(element)
            elif heading:
                (heading.controls if left_out else heading.words).extend(element.split())
            elif not left_out:
                text = str(element) if verbatim else re.sub(r"\s+", " ", element)
                if within and (text.strip() in SIGNS or NOTE.fullmatch(text.strip())):
                    continue
                self._block.texts.append(text)
                if within:
                    self._block.links_within.append(text)
                self._count(text, in_link)
        if heading:
            yield heading.level, heading.title(), heading.anchor
        yield 0, self._block.taken(), ""

    def _count(self, text: str, in_link: int) -> None:
        if in_link:
            self.linked += solid(text)
        else:
            self.told += solid(text)


def _is_furniture(tag: Tag, filled: bool) -> bool:
    if tag.name in FURNITURE or tag.attrs.get("role") in CONTENTS_ROLES:
        return True
    classes = tag.attrs.get("class")
    if not classes:
        return False
    # some makers give such a class to an element around all of a page
    if not CONTENTS_CLASSES.isdisjoint(classes) and not filled:
        return True
    return not TITLE_CLASSES.isdisjoint(classes) and _marker(tag)


def _marker(tag: Tag) -> bool:
    texts = (str(text) for text in islice(tag.descendants, 5) if isinstance(text, NavigableString))
    return "".join(texts).strip(" \t\r\n:!").lower() in ADMONITIONS


class _Heading:
    """A heading as its words come in."""

    def __init__(self, tag: Tag) -> None:
        self.tag = tag
        self.level = HEADINGS[tag.name]
        self.words: list[str] = []
        self.controls: list[str] = []
        """Of buttons and the like: the title of a part that opens is one itself."""
        around = tag.parent.attrs.get("id") if _is(tag.parent, "section") and tag.parent else ""
        self.anchor = str(tag.attrs.get("id") or around or "")

    def lead(self, tag: Tag) -> None:
        """Takes the anchor of an element within, if the heading has none."""
        link = str(tag.attrs.get("href", ""))
        within = link[1:] if link.startswith("#") else ""
        self.anchor = self.anchor or str(tag.attrs.get("id") or tag.attrs.get("name") or within)

    def title(self) -> str:
        return _line(self.words or self.controls)


def _above(body: Tag, names: list[str]) -> set[int]:
    """The elements that hold one of such a name."""
    above: set[int] = set()
    for tag in body.find_all(names):
        for parent in tag.parents:
            if id(parent) in above:
                break
            above.add(id(parent))
    return above


def _line(texts: Iterable[str]) -> str:
    # many pages end a heading with a sign that links to it
    return re.sub(r"\s[#\u00a7\u00b6]$", "", one_line(" ".join(texts)))
