"""DOCX, PPTX and ODT files."""

import re
from collections.abc import Iterable, Iterator
from io import BytesIO
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import mammoth
import pptx
from lxml import etree
from pptx.enum.shapes import MSO_SHAPE_TYPE, PP_PLACEHOLDER

from stages.lib.core.text import one_line
from stages.lib.sources.formats import archive
from stages.lib.sources.formats.page import html_sections
from stages.lib.sources.formats.section import Section, Token, by_headings, merged


def docx_sections(path: Path, name: str) -> list[Section]:
    """The sections of a DOCX file, which is converted to HTML; its footnotes stand at the end."""
    style = "p[style-name='Title'] => title:fresh"
    no_image = mammoth.images.img_element(lambda _: {})  # else each is copied into the page
    with archive.opened(path, "DOCX") as file:
        title = archive.title(file, "docProps/core.xml")
        _refuse_endless(file)
        data = BytesIO(path.read_bytes())
        html = mammoth.convert_to_html(data, style_map=style, convert_image=no_image).value
    return html_sections(html, title or name)


def _refuse_endless(file: ZipFile) -> None:
    """Refuses what would take the library, which is slow for texts of many MB, minutes."""
    for name in file.namelist():
        if name.startswith("word/") and name.endswith(".xml"):
            pieces = file.read(name).split(b"<")
            if len(pieces) > TAGS or max(map(len, pieces)) > LONGEST_TEXT:
                raise ValueError(f"more than {TAGS:,} tags, or a text without end: split it")


def pptx_sections(path: Path, name: str) -> list[Section]:
    """The sections of a PPTX file, a slide each: its text, tables and notes, below its title."""
    with archive.opened(path, "PPTX") as file:
        title = archive.title(file, "docProps/core.xml")
        slides = pptx.Presentation(BytesIO(_without_media(file))).slides
        pieces = [_slide(slide, number) for number, slide in enumerate(slides, 1)]
    shown = name if title in {"", "PowerPoint Presentation"} else title
    return merged(Section((shown, *piece.titles), piece.text, piece.anchors) for piece in pieces)


def _without_media(file: ZipFile) -> bytes:
    """The archive with empty pictures and sounds, which the library would all hold in memory."""
    target = BytesIO()
    with ZipFile(target, "w") as slim:
        for part in file.infolist():
            data = b"" if archive.is_media(part.filename) else file.read(part)
            slim.writestr(part.filename, data)
    return target.getvalue()


def _slide(slide: Any, number: int) -> Section:
    heading = slide.shapes.title
    title = one_line(heading.text_frame.text) if heading is not None else ""
    texts = [text for shape in slide.shapes if shape != heading for text in _texts(shape)]
    if slide.has_notes_slide and slide.notes_slide.notes_text_frame is not None:
        texts.append(slide.notes_slide.notes_text_frame.text)
    anchors = ((0, f"slide={number}"),)
    if not any(text.strip() for text in texts):
        return Section((), f"{title}\n\n", anchors)
    return Section((title,) if title else (), "\n\n".join(texts) + "\n\n", anchors)


RUNNING = {PP_PLACEHOLDER.DATE, PP_PLACEHOLDER.FOOTER, PP_PLACEHOLDER.SLIDE_NUMBER}
"""Placeholders that say the same on each slide."""


def _texts(shape: Any) -> Iterable[str]:
    if shape.is_placeholder and shape.placeholder_format.type in RUNNING:
        return ()
    if shape.shape_type == MSO_SHAPE_TYPE.GROUP:
        return [text for part in shape.shapes for text in _texts(part)]
    if shape.has_text_frame:
        return [paragraph.text for paragraph in shape.text_frame.paragraphs]
    if getattr(shape, "has_table", False):
        return [" ".join(cell.text for cell in row.cells) for row in shape.table.rows]
    return ()


TAGS = 1_000_000
LONGEST_TEXT = 10_000_000
"""Tags of a DOCX, and bytes between two of them: as many as libxml2 reads in ODT."""
OFFICE = "{urn:oasis:names:tc:opendocument:xmlns:office:1.0}"
TEXT = "{urn:oasis:names:tc:opendocument:xmlns:text:1.0}"
TABLE = "{urn:oasis:names:tc:opendocument:xmlns:table:1.0}"
LEFT_OUT = {
    *(OFFICE + name for name in ("annotation", "annotation-end", "forms")),
    *(TEXT + name for name in ("tracked-changes", "note-citation", "sequence-decls")),
    *(TEXT + name for name in ("table-of-content", "alphabetical-index", "illustration-index")),
    *(TEXT + name for name in ("page-number", "page-count", "bookmark", "ruby-text")),
}
"""Elements of an ODT that are no text of it: comments, deletions, tables of contents."""
CELL = TABLE + "table-cell"
BLOCKS = {TEXT + "p", TABLE + "table-row"}
"""Elements that end a line of text, but within a row of a table."""
SPACES = {TEXT + "note": " ", TEXT + "s": " ", TEXT + "tab": " ", TEXT + "line-break": "\n"}


def odt_sections(path: Path, name: str) -> list[Section]:
    """The sections of an ODT file by its headings; notes and text boxes stand where they are."""
    with archive.opened(path, "ODT") as file:
        title = archive.title(file, "meta.xml")
        root = archive.xml(file, "content.xml")
    body = next(root.iter(OFFICE + "text"), None)
    if body is None:
        return []
    return by_headings(list(_odt_tokens(body)), title or name)


def _odt_tokens(body: etree._Element) -> Iterator[Token]:
    """Headings with their level from 1, and pieces of text with 0."""
    heading: list[str] | None = None
    closed = cells = 0
    for event, element in etree.iterwalk(body, events=("start", "end")):
        tag = str(element.tag)
        cells += tag == CELL and (1 if event == "start" else -1)
        if tag in LEFT_OUT:
            closed += 1 if event == "start" else -1
        elif event == "start" and not closed:
            if tag == TEXT + "h":
                heading = []
            text = SPACES.get(tag, "") + re.sub(r"\s+", " ", element.text or "")
            if heading is not None:
                heading.append(text)
            else:
                yield 0, text, ""
        elif event == "end" and not closed:
            if tag == TEXT + "h" and heading is not None:
                level = str(element.get(TEXT + "outline-level", "1"))
                if title := one_line("".join(heading)):
                    yield int(level) if level.isdecimal() else 1, title, ""
                heading = None
            elif tag == CELL:
                yield 0, " ", ""
            elif tag in BLOCKS:
                yield 0, " " if cells else "\n\n", ""
        if event == "end" and not closed and element is not body and element.tail:
            if heading is not None:
                heading.append(element.tail)
            else:
                yield 0, re.sub(r"\s+", " ", element.tail), ""
