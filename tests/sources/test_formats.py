import json
from itertools import pairwise
from pathlib import Path
from typing import Any
from zipfile import ZIP_DEFLATED, ZipFile

import docx
import pytest
from fpdf import FPDF
from pypdf import PdfWriter
from pypdf.generic import NameObject, NullObject

from stages.lib.errors import UserError
from stages.lib.sources.formats.page import html_sections
from stages.lib.sources.formats.section import Section
from stages.lib.sources.formats.table import read_sections

PAGE = """<!doctype html><html><head><title>Install - Bosun docs</title>
<style>p {color: red}</style></head><body>
<header><a href="/">Bosun</a> Log in</header>
<nav><ul><li>Home<li>Docs</ul></nav>
<main><header><h1>Install the
  <b>agent</b></h1></header>
<p>Choose your <b>sys</b>tem &amp; go
on.</p><p>Then:</p><ul><li>one</li><li>two</li></ul>
<h2>Linux <a href="#linux">¶</a></h2><!-- not this --><pre>apt install bosun
bosun start</pre>
<h3>Debian</h3><p>Nothing else.</p>
<h2>Windows</h2><table><tr><th>Key</th><th>Use</th></tr><tr><td>A</td><td>B</td></tr></table>
<h2>Empty</h2>
<aside>Buy now</aside></main><footer>(c)</footer><script>alert(1)</script></body></html>"""
SECTIONS = [
    Section(("Install the agent",), "Choose your system & go on.\n\nThen:\n\none\n\ntwo"),
    Section(("Install the agent", "Linux"), "apt install bosun\nbosun start"),
    Section(("Install the agent", "Linux", "Debian"), "Nothing else."),
    Section(("Install the agent", "Windows"), "Key Use\n\nA B"),
]


def test_html_gives_its_main_part_by_headings() -> None:
    assert html_sections(PAGE, "page") == SECTIONS


def test_html_need_not_be_whole() -> None:
    assert html_sections("Hello", "page") == [Section(("page",), "Hello")]
    assert html_sections("<h1></h1><table><tr><td>a<td>b</table>", "page") == [
        Section(("page",), "a b")
    ]
    assert html_sections("<nav>x", "page") == []


def test_html_declares_its_encoding() -> None:
    page = '<meta charset="iso-8859-1"><title>Café</title><p>Crème</p>'
    assert html_sections(page.encode("latin-1"), "x") == [Section(("Café",), "Crème")]


def test_html_with_several_first_headings_keeps_its_title() -> None:
    page = "<title>Guide</title><h1>Install</h1><p>a</p><h1>Use</h1><h2>Daily</h2><p>b</p>"
    assert html_sections(page, "x") == [
        Section(("Guide", "Install"), "a"),
        Section(("Guide", "Use", "Daily"), "b"),
    ]


def test_markdown_has_the_same_sections(tmp_path: Path) -> None:
    path = tmp_path / "a.md"
    path.write_text(
        "# Install the **agent**\n\nChoose your **sys**tem & go\non.\n\nThen:\n\n- one\n- two\n\n"
        "## Linux\n\n```sh\napt install bosun\nbosun start\n```\n\nDebian\n------\n\n"
        "## Windows\n\n|Key|Use|\n|---|---|\n|A|B|\n"
    )
    assert read_sections(path) == [*SECTIONS[:2], SECTIONS[3]]


@pytest.mark.parametrize(
    ("text", "title"),
    [
        ("---\ntitle: 'Set: up'\ntags: [a]\n---\nBody", "Set: up"),
        ("---\n{{oops: [}\n---\nBody", "first steps"),
        ("Body", "first steps"),
    ],
)
def test_markdown_without_a_heading_is_called_by_its_front_matter_or_its_file(
    tmp_path: Path, text: str, title: str
) -> None:
    path = tmp_path / "first-steps.md"
    path.write_text(text)
    assert read_sections(path) == [Section((title,), "Body")]


def test_text_is_one_section(tmp_path: Path) -> None:
    path = tmp_path / "read_me.txt"
    path.write_bytes(b"\xef\xbb\xbfOne.\r\n\r\nTwo.\n")
    assert read_sections(path) == [Section(("read me",), "One.\n\nTwo.")]


def test_docx_headings_are_the_path(tmp_path: Path) -> None:
    document = docx.Document()
    document.add_heading("Guide", level=0)
    document.add_heading("Install", level=1)
    document.add_paragraph("Take the disk.")
    document.add_heading("Linux", level=2)
    document.add_paragraph("Run it.")
    document.add_table(rows=1, cols=2).rows[0].cells[1].text = "cell"
    document.add_heading("Use", level=1)
    document.add_paragraph("Daily.")
    document.save(str(tmp_path / "a.docx"))
    assert read_sections(tmp_path / "a.docx") == [
        Section(("Guide", "Install"), "Take the disk."),
        Section(("Guide", "Install", "Linux"), "Run it.\n\ncell"),
        Section(("Guide", "Use"), "Daily."),
    ]


def pdf(path: Path, pages: list[tuple[list[tuple[str, int]], str]]) -> Path:
    """A PDF of pages, each with its bookmarks (title and level) and its text."""
    file = FPDF()
    file.set_font("helvetica", size=12)
    for bookmarks, text in pages:
        file.add_page()
        for title, level in bookmarks:
            file.start_section(title, level)
        file.multi_cell(0, text=text)
    file.output(str(path))
    return path


def test_pdf_bookmarks_are_the_path(tmp_path: Path) -> None:
    path = pdf(
        tmp_path / "my-guide.pdf",
        [
            ([], "Before all."),
            ([("Install", 0), ("Linux", 1)], "Run the instal-\nler now\nand wait."),
            ([], "On the next page."),
            ([("Mac", 1), ("Windows", 1)], "Two sections."),
            ([], "Of the last."),
            ([("Use", 0)], "Daily."),
        ],
    )
    assert read_sections(path) == [
        Section(("my guide",), "Before all."),
        Section(
            ("my guide", "Install", "Linux"), "Run the installer now and wait. On the next page."
        ),
        Section(("my guide", "Install"), "Two sections."),
        Section(("my guide", "Install", "Windows"), "Of the last."),
        Section(("my guide", "Use"), "Daily."),
    ]


def test_a_pdf_that_opens_without_a_password_is_read(tmp_path: Path) -> None:
    writer = PdfWriter(clone_from=pdf(tmp_path / "a.pdf", [([], "Open.")]))
    writer.encrypt(user_password="", owner_password="secret", algorithm="AES-256")  # noqa: S106
    writer.write(tmp_path / "b.pdf")
    assert read_sections(tmp_path / "b.pdf") == [Section(("b",), "Open.")]


def test_what_cannot_be_read_is_named(tmp_path: Path) -> None:
    writer = PdfWriter(clone_from=pdf(tmp_path / "a.pdf", [([], "Closed.")]))
    writer.encrypt("secret", algorithm="AES-256")
    writer.write(tmp_path / "locked.pdf")
    pdf(tmp_path / "scan.pdf", [([], "")])
    (tmp_path / "broken.pdf").write_bytes((tmp_path / "a.pdf").read_bytes()[:200])
    (tmp_path / "fake.pdf").write_text("Hello")
    (tmp_path / "fake.docx").write_text("Hello")
    (tmp_path / "latin.md").write_bytes(b"ok\ncaf\xe9")
    (tmp_path / "binary.txt").write_bytes(b"ELF\0\0")
    for name, message in {
        "locked.pdf": r"locked\.pdf: encrypted PDF; save it without",
        "scan.pdf": r"scan\.pdf: PDF without text; recognise",
        "broken.pdf": r"broken\.pdf: unreadable PDF \(.+\); save or print",
        "fake.pdf": r"fake\.pdf: unreadable PDF \(.+\); save or print",
        "fake.docx": r"fake\.docx: unreadable DOCX \(.+\); save it again",
        "latin.md": r"latin\.md:2: not UTF-8",
        "binary.txt": r"binary\.txt: not a text",
    }.items():
        with pytest.raises(UserError, match=message) as caught:
            read_sections(tmp_path / name)
        assert "\n" not in str(caught.value)


def test_a_pdf_with_broken_bookmarks_is_read_without_them(tmp_path: Path) -> None:
    writer = PdfWriter(clone_from=pdf(tmp_path / "a.pdf", [([("Install", 0)], "Take it.")]))
    bookmark: Any = writer.get_outline_root()["/First"].get_object()
    bookmark.pop("/Dest", None)
    bookmark[NameObject("/A")] = NullObject()
    writer.write(tmp_path / "b.pdf")
    assert read_sections(tmp_path / "b.pdf") == [Section(("b",), "Take it.")]


def test_a_notebook_is_its_text_and_its_code(tmp_path: Path) -> None:
    path = tmp_path / "first_steps.ipynb"
    cells = [
        {"cell_type": "markdown", "source": ["# Load\n", "\n", "Read *all*."]},
        {"cell_type": "code", "source": "s = '''```'''\nload(s)", "outputs": [{"text": "42"}]},
        {"cell_type": "markdown", "source": "## Save"},
        {"cell_type": "raw", "source": "raw"},
        {"cell_type": "code", "source": []},
        {"cell_type": "markdown", "source": "Write."},
    ]
    path.write_text(json.dumps({"cells": cells}))
    assert read_sections(path) == [
        Section(("Load",), "Read all.\n\ns = '''```'''\nload(s)"),
        Section(("Load", "Save"), "Write."),
    ]


ALIASES = "a: &a [x, x]\n" + "".join(
    f"{b}: &{b} [*{a}, *{a}]\n" for a, b in pairwise("abcdefghijklmnopqrstuvwxyz")
)


@pytest.mark.parametrize(
    ("text", "title"),
    [
        (f"---\n{ALIASES}title: *z\n---\nBody", "a"),
        ("---\ndate: 2024-13-45\nn: " + "9" * 6000 + "\ntitle: Good\n---\nBody", "Good"),
        ("---\ntitle: " + "[" * 60_000 + "\n---\nBody", "a"),
        ("---\ntitle: >-\n  Folded\n  title\n---\nBody", "Folded title"),
        ('+++\ntitle = "Of TOML"\ndate = 2024-01-01\n+++\nBody', "Of TOML"),
    ],
)
def test_front_matter_of_any_kind_is_no_fault(tmp_path: Path, text: str, title: str) -> None:
    (tmp_path / "a.md").write_text(text)
    assert read_sections(tmp_path / "a.md") == [Section((title,), "Body")]


def test_other_encodings_are_told_by_their_mark(tmp_path: Path) -> None:
    for encoding in ("utf-8-sig", "utf-16", "utf-32"):
        for name, text in {"a.txt": "Küche", "a.html": "<p>Küche</p>"}.items():
            if (name, encoding) != ("a.html", "utf-32"):
                (tmp_path / name).write_bytes(text.encode(encoding))
                assert read_sections(tmp_path / name) == [Section(("a",), "Küche")]


def test_what_parsers_raise_is_a_line(tmp_path: Path) -> None:
    archive = tmp_path / "bomb.docx"
    with ZipFile(archive, "w", ZIP_DEFLATED) as file, file.open("word/document.xml", "w") as part:
        for _ in range(101):
            part.write(b" " * 1_000_000)
    (tmp_path / "deep.ipynb").write_text('{"cells":' + "[" * 100_000)
    (tmp_path / "odd.ipynb").write_text('{"cells": [{"cell_type": "markdown", "source": 5}]}')
    (tmp_path / "list.ipynb").write_text("[]")
    (tmp_path / "image.html").write_bytes(b"\x89PNG\0\0")
    (tmp_path / "shell.html").write_text("<div id='app'></div><script>start()</script>")
    for name, message in {
        "bomb.docx": r"unreadable DOCX \(it unpacks to 101 MB\)",
        "deep.ipynb": r"unreadable \(maximum recursion",
        "odd.ipynb": r"unreadable \(",
        "list.ipynb": r"unreadable \(",
        "image.html": "not a text but binary data",
        "shell.html": "no text in it",
    }.items():
        with pytest.raises(UserError, match=rf"{name}: {message}") as caught:
            read_sections(tmp_path / name)
        assert "\n" not in str(caught.value)
