"""DOCX, PPTX, ODT and EPUB: headings, slides, notes, boxes, and archives that are traps."""

from pathlib import Path
from zipfile import ZIP_DEFLATED, ZipFile

import docx
import pptx
import pytest
from docx.oxml import parse_xml
from docx.oxml.ns import nsdecls

from stages.lib.errors import UserError
from stages.lib.sources.formats.section import Section
from stages.lib.sources.formats.table import read_sections
from tests.sources.files import archive, epub, odt


def test_slides_are_sections_with_their_tables_and_notes(tmp_path: Path) -> None:
    deck = pptx.Presentation()
    first = deck.slides.add_slide(deck.slide_layouts[1])
    first.shapes.title.text = "Install"
    first.placeholders[1].text = "Take the disk.\nPut it in."
    table = first.shapes.add_table(1, 2, 0, 0, 100, 100).table
    table.cell(0, 0).text, table.cell(0, 1).text = "Key", "Use"
    first.notes_slide.notes_text_frame.text = "Say it slowly."
    last = deck.slides.add_slide(deck.slide_layouts[5])
    last.shapes.title.text = "Questions?"
    deck.save(str(tmp_path / "my-talk.pptx"))
    sections = read_sections(tmp_path / "my-talk.pptx")
    assert sections == [
        Section(
            ("my talk", "Install"), "Take the disk.\n\nPut it in.\n\nKey Use\n\nSay it slowly."
        ),
        Section(("my talk",), "Questions?"),
    ]
    assert [section.anchors for section in sections] == [((0, "slide=1"),), ((0, "slide=2"),)]


def test_odt_has_its_notes_and_boxes_and_not_its_contents_and_comments(tmp_path: Path) -> None:
    body = """
<text:table-of-content><text:p>Install 3</text:p></text:table-of-content>
<text:h text:outline-level="1">Guide</text:h>
<text:p>Read<text:s/>this <text:span>first</text:span>.<text:note><text:note-citation>1
</text:note-citation><text:note-body><text:p>A note.</text:p></text:note-body></text:note></text:p>
<text:h text:outline-level="2">Install</text:h>
<text:p>Take it.<office:annotation><text:p>Really?</text:p></office:annotation></text:p>
<table:table><table:table-row><table:table-cell><text:p>Key</text:p></table:table-cell>
<table:table-cell><text:p>Use</text:p></table:table-cell></table:table-row></table:table>
<text:p><drawing:text-box><text:p>Boxed.</text:p></drawing:text-box></text:p>"""
    assert read_sections(odt(tmp_path / "a.odt", body)) == [
        Section(("Guide",), "Read this first. A note."),
        Section(("Guide", "Install"), "Take it.\n\nKey Use\n\nBoxed."),
    ]
    plain = odt(tmp_path / "b.odt", "<text:p>Open.</text:p>", title="Of its metadata")
    assert read_sections(plain) == [Section(("Of its metadata",), "Open.")]


def test_a_book_is_its_chapters_in_their_order(tmp_path: Path) -> None:
    chapters = {
        "b.xhtml": "<html><body><h1>One</h1><p>It began.</p><h2 id='s'>Storm</h2><p>Wind.</p>",
        "a.xhtml": "<html><body><p>The end.</p></body></html>",
        "contents.xhtml": "<p>" + "".join(f"<a href='b.xhtml#{n}'>Part</a>" for n in range(9)),
    }
    sections = read_sections(epub(tmp_path / "a.epub", "The Book", chapters, nav="<p>Contents"))
    assert sections == [
        Section(("The Book", "One"), "It began."),
        Section(("The Book", "One", "Storm"), "Wind."),
        Section(("The Book",), "The end."),
    ]
    assert sections[1].anchors == ((0, "OEBPS/b.xhtml#s"),)


BOX = """<w:r {} xmlns:v="urn:schemas-microsoft-com:vml"><w:pict><v:shape><v:textbox>
<w:txbxContent><w:p><w:r><w:t>Boxed.</w:t></w:r></w:p></w:txbxContent></v:textbox></v:shape>
</w:pict></w:r>"""


def test_docx_keeps_text_boxes(tmp_path: Path) -> None:
    document = docx.Document()
    document.add_heading("Install", 1)
    document.add_paragraph("Take it.")._p.append(parse_xml(BOX.format(nsdecls("w"))))
    document.save(str(tmp_path / "a.docx"))
    assert read_sections(tmp_path / "a.docx") == [Section(("Install",), "Take it.\n\nBoxed.")]


@pytest.mark.parametrize(
    ("suffix", "part"),
    [
        ("docx", "word/document.xml"),
        ("odt", "content.xml"),
        ("pptx", "ppt/slides/slide1.xml"),
        ("epub", "OEBPS/a.xhtml"),
    ],
)
def test_what_unpacks_to_far_more_is_refused(tmp_path: Path, suffix: str, part: str) -> None:
    path = tmp_path / f"bomb.{suffix}"
    with ZipFile(path, "w", ZIP_DEFLATED) as file, file.open(part, "w") as target:
        for _ in range(51):
            target.write(b" " * 1_000_000)
    assert path.stat().st_size < 200_000
    with pytest.raises(UserError, match=rf"unreadable {suffix.upper()} \(it unpacks to 51 MB\)"):
        read_sections(path)


def test_entities_bring_in_nothing(tmp_path: Path) -> None:
    (tmp_path / "secret.txt").write_text("secret")
    doctype = f'<!DOCTYPE a [<!ENTITY x SYSTEM "file://{tmp_path}/secret.txt">]>'
    path = archive(tmp_path / "a.odt", {"content.xml": f"{doctype}<a>&x;</a>"})
    with pytest.raises(UserError, match="no text in it"):
        read_sections(path)


@pytest.mark.parametrize("suffix", ["docx", "odt", "pptx", "epub"])
def test_archives_of_another_kind_are_named(tmp_path: Path, suffix: str) -> None:
    path = archive(tmp_path / f"a.{suffix}", {"hello.txt": "hello"})
    with pytest.raises(UserError, match=rf"a\.{suffix}: unreadable {suffix.upper()} \(") as caught:
        read_sections(path)
    assert "\n" not in str(caught.value)
