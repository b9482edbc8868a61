"""PDFs: what repeats on their pages, contents, and several headings on one page."""

from pathlib import Path

from fpdf import FPDF

from stages.lib.sources.formats.section import Section
from stages.lib.sources.formats.table import read_sections
from tests.sources.test_formats import pdf

Pages = list[tuple[list[tuple[str, int]], str]]
BODIES = ("Take the disk.", "Put it in.", "Run it.", "Wait for it.", "Use it daily.")


def test_running_heads_and_feet_are_no_text(tmp_path: Path) -> None:
    pages: Pages = [
        (
            [],
            f"Bosun 4.2 - Manual\n{number}\n{body}\nAll rights reserved\nPage {number} of 5",
        )
        for number, body in enumerate(BODIES, 1)
    ]
    sections = read_sections(pdf(tmp_path / "a.pdf", pages))
    assert sections == [Section(("a",), " ".join(BODIES))]
    assert [name for _, name in sections[0].anchors] == [f"page={n}" for n in range(1, 6)]


def test_what_stands_on_two_pages_alone_is_text(tmp_path: Path) -> None:
    pages: Pages = [([], f"Mix well.\n{body}") for body in BODIES[:2]]
    assert read_sections(pdf(tmp_path / "a.pdf", pages)) == [
        Section(("a",), "Mix well. Take the disk. Mix well. Put it in.")
    ]


def test_numbers_and_headings_at_the_edges_of_pages_are_text(tmp_path: Path) -> None:
    values = (17, 4, 250, 31)
    pages: Pages = [([], f"Step {value} of it\nTake {value}.\n{value}") for value in values]
    text = " ".join(f"Step {value} of it Take {value}. {value}" for value in values)
    assert read_sections(pdf(tmp_path / "a.pdf", pages)) == [Section(("a",), text)]


def test_a_table_of_contents_is_no_text(tmp_path: Path) -> None:
    contents = "Install . . . . . . . . . 3\nUse ............ iv\nIt takes 3..5 minutes"
    assert read_sections(pdf(tmp_path / "a.pdf", [([], contents)])) == [
        Section(("a",), "It takes 3..5 minutes")
    ]


def test_headings_on_one_page_are_told_apart_where_the_text_has_them(tmp_path: Path) -> None:
    bookmarks = [("Install", 0), ("Linux", 1), ("Windows", 1)]
    text = "The end of before.\n1 Install\nTake it.\n1.1 Linux\nRun it.\nWINDOWS\nClick it."
    pages: Pages = [([("Start", 0)], "Start\nRead this."), (bookmarks, text), ([], "Wait.")]
    assert read_sections(pdf(tmp_path / "a.pdf", pages)) == [
        Section(("a", "Start"), "Read this. The end of before."),
        Section(("a", "Install"), "Take it."),
        Section(("a", "Install", "Linux"), "Run it."),
        Section(("a", "Install", "Windows"), "Click it. Wait."),
    ]


def test_the_title_is_the_metadata_s_unless_a_program_made_it(tmp_path: Path) -> None:
    for title, expected in {
        "Bosun: a guide": "Bosun: a guide",
        "Microsoft Word - guide_v3.docx": "a",
        "untitled": "a",
    }.items():
        file = FPDF()
        file.set_title(title)
        file.set_font("helvetica", size=12)
        file.add_page()
        file.multi_cell(0, text="Open.")
        file.output(str(tmp_path / "a.pdf"))
        assert read_sections(tmp_path / "a.pdf") == [Section((expected,), "Open.")]
