"""EPUB books: their chapters are pages, in the order in which they are read."""

import posixpath
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote
from zipfile import ZipFile

from lxml import etree

from stages.lib.sources.formats import archive
from stages.lib.sources.formats.page import html_sections
from stages.lib.sources.formats.section import OnlyLinks, Section, merged

CONTAINER = "META-INF/container.xml"
OPF = "{http://www.idpf.org/2007/opf}"


def epub_sections(path: Path, name: str) -> list[Section]:
    """The sections of a book, below its title, without its table of contents."""
    with archive.opened(path, "EPUB") as file:
        rootfile = next(archive.xml(file, CONTAINER).iter("{*}rootfile"))
        package = unquote(str(rootfile.get("full-path")))
        title = archive.title(file, package) or name
        parts = set(file.namelist())
        pieces = [
            piece
            for chapter in _chapters(archive.xml(file, package), posixpath.dirname(package))
            if chapter in parts
            for piece in _chapter(file, chapter, title)
        ]
    return merged(pieces)


def _chapters(package: etree._Element, folder: str) -> Iterator[str]:
    """The chapters' files; the same one twice, as broken books have, once."""
    items = {item.get("id"): item for item in package.iter(OPF + "item")}
    seen = set()
    for reference in package.iter(OPF + "itemref"):
        item = items.get(reference.get("idref"))
        if item is None or "nav" in str(item.get("properties", "")).split():
            continue
        place = posixpath.normpath(posixpath.join(folder, unquote(str(item.get("href")))))
        if place not in seen:
            seen.add(place)
            yield place


def _chapter(file: ZipFile, place: str, title: str) -> Iterator[Section]:
    try:
        sections = html_sections(file.read(place), title)
    except OnlyLinks:
        return
    for section in sections:
        titles = section.titles if section.titles[0] == title else (title, *section.titles)
        anchors = section.anchors or ((0, ""),)
        named = tuple((start, f"{place}#{name}" if name else place) for start, name in anchors)
        yield Section(titles, section.text + "\n\n", named)
