"""PDF files, read into sections by their bookmarks, without what repeats on their pages."""

import logging
import re
from collections import Counter
from collections.abc import Iterator
from itertools import pairwise, takewhile
from pathlib import Path
from typing import Any

import regex
from pypdf import PdfReader

from stages.lib.core.characters import cleaned
from stages.lib.core.text import normal, one_line
from stages.lib.errors import UserError
from stages.lib.sources.formats.section import Section, Titles, merged

EDGE = 3
"""Lines at the head and foot of a page that may be the same on others."""
RUNNING = 0.2
FEWEST = 3
"""The share and number of pages from which on such a line is left out."""
LONGEST_EDGE = 200
"""Characters of such a line that are compared."""
NUMBER = re.compile(r"[0-9]{1,9}")
LEADER = re.compile(
    r"(?<!\.)(?<!\. )(?:\. ?){5,}+\s*(?:[0-9]+|[ivxlc]+)\s*$|(?<!\u2026)\u2026{2,}+\s*[0-9]+\s*$"
)
"""The end of a line in a table of contents."""
JUNK = re.compile(
    r"untitled|microsoft word|powerpoint|\.(?:docx?|pptx?|indd|tex|dvi|qxd|rtf)\b|^[\W\d]*$", re.I
)
"""Titles in metadata that programs, not people, have given."""

logging.getLogger("pypdf").setLevel(logging.CRITICAL)  # pypdf mends much, and logs each case


def pdf_sections(path: Path, name: str) -> list[Section]:
    """The sections of a PDF by its bookmarks, below the title in its metadata or `name`."""
    try:
        reader = PdfReader(path)
        if reader.is_encrypted and not reader.decrypt(""):
            raise UserError(f"{path}: encrypted PDF; save it without its password")
        texts = [cleaned(page.extract_text()) for page in reader.pages]
    except UserError:
        raise
    except Exception as error:  # pypdf raises errors of any kind for broken files
        reason = one_line(str(error)) or type(error).__name__
        raise UserError(f"{path}: unreadable PDF ({reason}); save or print it again") from error
    if not any(text.strip() for text in texts):
        raise UserError(f"{path}: PDF without text; recognise its characters (OCR) first")
    name = _title(reader) or name
    bookmarks = _by_page(reader)
    pieces = []
    carried: Titles = ()
    for number, lines in enumerate(_without_running([text.split("\n") for text in texts])):
        for titles, part in _parts(lines, bookmarks.get(number, []), carried):
            # lines end at the page's margin, within sentences
            text = regex.sub(r"(?<=\w)[-\xad]\n(?=\p{Ll})", "", "\n".join(part)).replace("\n", " ")
            pieces.append(Section((name, *titles), text + " ", ((0, f"page={number + 1}"),)))
        carried = bookmarks[number][-1] if number in bookmarks else carried
    return merged(pieces)


def _title(reader: PdfReader) -> str:
    try:
        title = one_line(str((reader.metadata and reader.metadata.title) or ""))
    except Exception:  # broken in as many ways as bookmarks
        return ""
    return "" if JUNK.search(title) else title


def _without_running(pages: list[list[str]]) -> list[list[str]]:
    """The lines of pages without running heads and feet, and without tables of contents."""
    counts: Counter[str] = Counter()
    for number, lines in enumerate(pages):
        counts.update({shape for line in _edges(lines) for shape in _shapes(line, number)})
    least = max(FEWEST, RUNNING * len(pages))
    running = {shape for shape, count in counts.items() if count >= least}
    return [_middle(lines, number, running) for number, lines in enumerate(pages)]


def _edges(lines: list[str]) -> list[str]:
    told = [line for line in lines if line.strip()]
    return told[:EDGE] + told[EDGE:][-EDGE:]


def _middle(lines: list[str], number: int, running: set[str]) -> list[str]:
    told = [line for line in lines if line.strip() and not LEADER.search(line)]
    start, stop = 0, len(told)
    while start < min(EDGE, stop) and _shapes(told[start], number) & running:
        start += 1
    while stop > max(start, len(told) - EDGE) and _shapes(told[stop - 1], number) & running:
        stop -= 1
    return told[start:stop]


def _shapes(line: str, number: int) -> set[str]:
    """What a line has in common with the same one of other pages, whose number is another.

    The first or the last number in it may be the page's: then it is as far from `number` on each.
    """
    text = normal(line)[:LONGEST_EDGE]
    numbers = list(NUMBER.finditer(text))
    return {text} | {
        f"{text[: match.start()]}#{int(match[0]) - number}{text[match.end() :]}"
        for match in (*numbers[:1], *numbers[-1:])
    }


def _parts(
    lines: list[str], bookmarks: list[Titles], carried: Titles
) -> Iterator[tuple[Titles, list[str]]]:
    """The lines of a page by its bookmarks, which stand where a line has their title.

    Where not all of them are found, the whole page has the titles that all of them share.
    """
    if not bookmarks:
        yield carried, lines
        return
    places: list[int] = []
    for titles in bookmarks:
        place = _place(lines, titles[-1], places[-1] + 1 if places else 0)
        if place is None:
            yield _common(bookmarks), lines
            return
        places.append(place)
    yield carried, lines[: places[0]]
    for titles, (start, stop) in zip(bookmarks, pairwise([*places, len(lines)]), strict=True):
        yield titles, lines[start + 1 : stop]


def _place(lines: list[str], title: str, start: int) -> int | None:
    wanted = _heading(title)
    places = (place for place in range(start, len(lines)) if _heading(lines[place]) == wanted)
    return next(places, None)


def _heading(line: str) -> str:
    """A heading without its number, which bookmarks may lack."""
    return normal(re.sub(r"^\s*(?:[0-9]+\.?)+\s", "", line)).strip()


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
