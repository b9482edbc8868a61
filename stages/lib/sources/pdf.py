"""PDF files, read into sections by their bookmarks."""

import logging
from collections.abc import Iterator
from itertools import pairwise, takewhile
from pathlib import Path
from typing import Any

import regex
from pypdf import PdfReader

from stages.lib.core.text import one_line
from stages.lib.errors import UserError
from stages.lib.sources.chunking import Section
from stages.lib.sources.page import merged

Titles = tuple[str, ...]
"""The path of titles above a text."""

logging.getLogger("pypdf").setLevel(logging.ERROR)  # pypdf mends much, and logs each case


def pdf_sections(path: Path, name: str) -> list[Section]:
    """The sections of a PDF by its bookmarks, below the title `name`."""
    try:
        reader = PdfReader(path)
        if reader.is_encrypted and not reader.decrypt(""):
            raise UserError(f"{path}: encrypted PDF; save it without its password")
        texts = [page.extract_text() for page in reader.pages]
    except UserError:
        raise
    except Exception as error:  # pypdf raises errors of any kind for broken files
        reason = one_line(str(error)) or type(error).__name__
        raise UserError(f"{path}: unreadable PDF ({reason}); save or print it again") from error
    if not any(text.strip() for text in texts):
        raise UserError(f"{path}: PDF without text; recognise its characters (OCR) first")
    bookmarks = _by_page(reader)
    pieces = []
    carried: Titles = ()
    for number, text in enumerate(texts):
        titles = _common(bookmarks[number]) if number in bookmarks else carried
        carried = bookmarks[number][-1] if number in bookmarks else carried
        # lines end at the page's margin, within sentences
        flowing = regex.sub(r"(?<=\w)[-\xad]\n(?=\p{Ll})", "", text).replace("\n", " ")
        pieces.append(Section((name, *titles), flowing + " "))
    return merged(pieces)


def _by_page(reader: PdfReader) -> dict[int, list[Titles]]:
    """The paths of titles that begin on each page; those before a fault, if there is one."""
    bookmarks: dict[int, list[Titles]] = {}
    try:
        for number, titles in _bookmarks(reader, reader.outline, ()):
            bookmarks.setdefault(number, []).append(titles)
    except Exception:  # broken in ways as many as PDFs; the text is good without them
        return bookmarks
    return bookmarks


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
