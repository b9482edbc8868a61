"""Files of people's own documents, read into sections by their headings.

Markdown and DOCX are converted to HTML by their libraries, so that one function finds headings.
"""

import logging
import re
from collections.abc import Callable, Iterator
from io import BytesIO
from itertools import groupby, pairwise, takewhile
from pathlib import Path
from typing import Any
from warnings import filterwarnings

import mammoth
import yaml
from bs4 import BeautifulSoup, Tag, XMLParsedAsHTMLWarning
from bs4.element import NavigableString
from markdown_it import MarkdownIt
from mdit_py_plugins.front_matter import front_matter_plugin
from pypdf import PdfReader

from stages.lib.core.text import one_line
from stages.lib.errors import UserError
from stages.lib.sources.chunking import Section

Titles = tuple[str, ...]
"""The path of titles above a text."""
HEADINGS = ("h1", "h2", "h3", "h4", "h5", "h6")
BLOCKS = (
    *("address", "blockquote", "br", "dd", "details", "div", "dl", "dt", "fieldset", "figcaption"),
    *("figure", "hr", "li", "ol", "p", "pre", "section", "summary", "table", "tr", "ul"),
    *HEADINGS,
)
"""Elements that begin and end a line of text."""
FURNITURE = "script, style, noscript, template, svg, nav, aside, footer, button, select, [hidden]"
"""Elements around the text of a page, which are left out."""

logging.getLogger("pypdf").setLevel(logging.ERROR)  # pypdf mends much, and logs each case
filterwarnings("ignore", category=XMLParsedAsHTMLWarning)


def read_sections(path: Path) -> list[Section]:
    """The sections of a file, by the reader for its suffix.

    Raises:
        UserError: the file cannot be read as what its suffix says.

    """
    return READERS[path.suffix.lower()](path)


def html_sections(markup: str | bytes, name: str) -> list[Section]:
    """The sections of a page: its main part, without navigation and the like.

    Args:
        markup: the page; bytes in the encoding that it declares.
        name: the title of a page that has neither one heading of the first level nor a <title>.

    """
    soup = BeautifulSoup(markup, "html.parser")
    title = _line(soup.title) if soup.title else ""
    body = soup.find("main") or soup.find("article") or soup.body or soup
    for element in [*body.select(FURNITURE), *body.find_all("title")]:
        element.decompose()
    for header in body.find_all("header"):
        if not header.find(HEADINGS):
            header.decompose()
    first = body.find_all("h1")
    if len(first) == 1:
        title = _line(first[0]) or title
    return _merged(_walk(body, title or name, alone=len(first) == 1))


def _walk(body: Tag, title: str, *, alone: bool) -> Iterator[Section]:
    """Each piece of text with the titles above it; `alone`: the h1 is the page's title."""
    for block in body.find_all(BLOCKS):
        block.insert_before("\n\n")
        block.insert_after("\n\n")
    for cell in body.find_all(("td", "th")):
        cell.insert_before(" ")
    verbatim = {id(text) for pre in body.find_all("pre") for text in pre.find_all(string=True)}
    headings = {id(tag): _heading(tag) for tag in body.find_all(HEADINGS)}
    path: list[tuple[int, str]] = []
    for node in body.descendants:
        if id(node) in headings:
            level, text = headings[id(node)]
            path = [above for above in path if above[0] < level]
            if text and not (alone and level == 1):
                path.append((level, text))
        elif type(node) is NavigableString:
            keep = node == "\n\n" or id(node) in verbatim
            words = str(node) if keep else re.sub(r"\s+", " ", node)
            yield Section((title, *(text for _, text in path)), words)


def _heading(tag: Tag) -> tuple[int, str]:
    """Level and text of a heading, which it then no longer holds."""
    text = _line(tag)
    tag.clear()
    return int(tag.name[1]), text


def _line(tag: Tag) -> str:
    # many pages end a heading with a sign that links to it
    return re.sub(r"\s[#\u00a7\u00b6]$", "", one_line(tag.get_text(" ")))


def _merged(pieces: Iterator[Section]) -> list[Section]:
    sections = []
    for titles, group in groupby(pieces, key=lambda piece: piece.titles):
        text = "".join(piece.text for piece in group)
        text = re.sub(r"[ \t]*\n\s*\n\s*", "\n\n", re.sub(r"(?<=\S)  +", " ", text)).strip()
        if text:
            sections.append(Section(titles, text))
    return sections


def _html(path: Path) -> list[Section]:
    return html_sections(path.read_bytes(), _name(path))


def _markdown(path: Path) -> list[Section]:
    parser = MarkdownIt("gfm-like", {"linkify": False}).use(front_matter_plugin)
    tokens = parser.parse(_decoded(path))
    front = tokens[0].content if tokens and tokens[0].type == "front_matter" else ""
    html = parser.renderer.render(tokens, parser.options, {})
    return html_sections(html, _front_title(front) or _name(path))


def _front_title(front: str) -> str:
    try:
        loaded = yaml.safe_load(front)
    except yaml.YAMLError:
        return ""  # front matter of another syntax than YAML: only the text below it counts
    return str(loaded.get("title") or "") if isinstance(loaded, dict) else ""


def _docx(path: Path) -> list[Section]:
    style = "p[style-name='Title'] => title:fresh"
    try:
        html = mammoth.convert_to_html(BytesIO(path.read_bytes()), style_map=style).value
    except Exception as error:  # raised by zipfile, by the XML parser, or by mammoth
        raise UserError(
            f"{path}: unreadable DOCX ({error}); save it again, without a password"
        ) from error
    return html_sections(html, _name(path))


def _text(path: Path) -> list[Section]:
    text = _decoded(path).strip()
    return [Section((_name(path),), text)] if text else []


def _pdf(path: Path) -> list[Section]:
    try:
        reader = PdfReader(path)
        if reader.is_encrypted and not reader.decrypt(""):
            raise UserError(f"{path}: encrypted PDF; save it without its password")
        bookmarks: dict[int, list[Titles]] = {}
        for number, titles in _bookmarks(reader, reader.outline, ()):
            bookmarks.setdefault(number, []).append(titles)
        texts = [page.extract_text() for page in reader.pages]
    except UserError:
        raise
    except Exception as error:  # pypdf raises errors of any kind for broken files
        reason = one_line(str(error)) or type(error).__name__
        raise UserError(f"{path}: unreadable PDF ({reason}); save or print it again") from error
    if not any(text.strip() for text in texts):
        raise UserError(f"{path}: PDF without text; recognise its characters (OCR) first")
    pieces = []
    carried: Titles = ()
    for number, text in enumerate(texts):
        titles = _common(bookmarks[number]) if number in bookmarks else carried
        carried = bookmarks[number][-1] if number in bookmarks else carried
        # lines end at the page's margin, within sentences
        flowing = re.sub(r"(?<=\w)-\n(?=[a-z])", "", text).replace("\n", " ")
        pieces.append(Section((_name(path), *titles), flowing + " "))
    return _merged(iter(pieces))


def _bookmarks(
    reader: PdfReader, outline: list[Any], above: Titles
) -> Iterator[tuple[int, Titles]]:
    """Page number and path of titles of each bookmark; a nested list is below the one before."""
    last = above
    for entry in outline:
        if isinstance(entry, list):
            yield from _bookmarks(reader, entry, last)
        else:
            last = (*above, one_line(str(entry.title)))
            number = reader.get_destination_page_number(entry)
            if number is not None:
                yield number, last


def _common(paths: list[Titles]) -> Titles:
    """The titles that all sections on a page share, but for those that only lead to the next."""
    ends = [a for a, b in pairwise([*paths, ()]) if b[: len(a)] != a]
    shared = takewhile(lambda titles: len(set(titles)) == 1, zip(*ends, strict=False))
    return tuple(titles[0] for titles in shared)


def _decoded(path: Path) -> str:
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        raise UserError(
            f"{path}:{line}: not UTF-8; convert the file, for example with iconv"
        ) from error
    if "\0" in text:
        raise UserError(f"{path}: not a text but binary data; rename or remove it")
    return text


def _name(path: Path) -> str:
    return re.sub(r"[-_\s]+", " ", path.stem).strip() or path.name


READERS: dict[str, Callable[[Path], list[Section]]] = {
    ".htm": _html,
    ".html": _html,
    ".md": _markdown,
    ".markdown": _markdown,
    ".pdf": _pdf,
    ".docx": _docx,
    ".txt": _text,
}
"""How a file is read, by its suffix."""
