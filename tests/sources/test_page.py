"""Pages as the web has them: several articles, hidden parts, headings that hold controls."""

import time

import pytest

from stages.lib.sources.formats.page import html_sections
from stages.lib.sources.formats.section import Section


def test_all_articles_of_a_page_are_its_content() -> None:
    page = (
        "<title>Releases</title><div>Ours</div><div><p>Newest first.</p>"
        "<article><h2>2.0</h2><p>Parquet.</p><article>A comment.</article></article>"
        "<article><h2>1.0</h2><p>CSV.</p></article></div>"
    )
    assert html_sections(page, "x") == [
        Section(("Releases",), "Newest first."),
        Section(("Releases", "2.0"), "Parquet.\n\nA comment."),
        Section(("Releases", "1.0"), "CSV."),
    ]


def test_what_is_hidden_is_not_the_main_part() -> None:
    page = "<main hidden><p>old</p></main><main><p>new</p><p hidden>no</p></main><p>around</p>"
    assert html_sections(page, "x") == [Section(("x",), "new")]
    assert html_sections("<p hidden='until-found'>folded</p>", "x") == [Section(("x",), "folded")]


def test_an_empty_main_part_is_not_the_page() -> None:
    page = "<main></main><article><p>Here.</p></article><p>around</p>"
    assert html_sections(page, "x") == [Section(("x",), "Here.")]


def test_headings_hold_controls_or_are_ones() -> None:
    page = (
        "<h2>Linux <button>Copy link</button></h2><p>a</p>"
        "<h2><button>How do I pay?</button></h2><p>b</p><h2><div>Boxed</div></h2><p>c</p>"
    )
    titles = [section.titles for section in html_sections(page, "x")]
    assert titles == [("x", "Linux"), ("x", "How do I pay?"), ("x", "Boxed")]


def test_a_heading_that_nobody_closes_is_not_the_page() -> None:
    assert html_sections("<h2>Install<p>Take the disk.</p>", "x") == [
        Section(("x", "Install"), "Take the disk.")
    ]


PIECES = (
    *("<p>a</p>", "<nav>a</nav>", "<header>a", "<h2>a<p>b", "<div>", "<b>", "<article>a", "<td>a"),
    *("<!--", "<a b='", "<![CDATA[", "<script>", "<ul><li>a"),
)


@pytest.mark.parametrize("piece", PIECES)
def test_no_page_takes_time_squared(piece: str) -> None:
    begin = time.process_time()
    html_sections(piece * 20_000, "x")
    assert time.process_time() - begin < 10  # a second or three; squared, it takes minutes
