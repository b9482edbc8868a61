"""Pages as the web has them: several articles, hidden parts, headings that hold controls."""

import time

import pytest

from stages.lib.sources.formats.page import html_sections
from stages.lib.sources.formats.section import OnlyLinks, Section


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


@pytest.mark.parametrize(
    "part",
    [
        "<nav>Contents</nav>",
        "<div class='toctree-wrapper compound'><ul><li><a href='b.html'>Contents</a></ul></div>",
        "<div role='navigation'>Contents</div>",
        "<ul><li><a href='#a'>Contents</a><li><a href='#b'>Of it</a></ul>",
        "<p><a href='#top'>Back to top</a></p>",
        "<p class='admonition-title'>Note</p>",
        "<aside>Buy now</aside>",
    ],
)
def test_what_leads_around_is_no_text(part: str) -> None:
    page = f"<h1>A</h1>{part}<p>Keep <a href='#a'>this</a>.</p>"
    assert html_sections(page, "x") == [Section(("A",), "Keep this.")]


def test_titles_and_wrappers_that_only_look_like_it_stay() -> None:
    page = "<div class='contents'><h1>A</h1><p class='admonition-title'>On Linux</p><p>b</p></div>"
    assert html_sections(page, "x") == [Section(("A",), "On Linux\n\nb")]


def test_a_page_that_is_but_links_is_told_from_an_empty_one() -> None:
    links = "".join(f"<li><a href='{n}.html'>Page {n}</a></li>" for n in range(9))
    with pytest.raises(OnlyLinks):
        html_sections(f"<h1>Index</h1><ul>{links}</ul>", "x")
    text = "<p>What each of these pages is about, in a sentence that says it.</p>"
    assert html_sections(f"<h1>Index</h1>{text}<ul>{links}</ul>", "x")


def test_parts_that_a_click_shows_are_content() -> None:
    page = (
        "<button aria-controls='one'>One</button><div id='one' hidden>a</div>"
        "<div role='tabpanel' hidden>b</div><details><summary>c</summary>d</details>"
        "<div hidden>gone</div>"
    )
    assert html_sections(page, "x") == [Section(("x",), "a\n\nb\n\nc\n\nd")]


def test_sections_have_the_anchors_of_their_headings() -> None:
    page = (
        "<h1 id='a'>A</h1><p>x</p><section id='b'><h2>B<a href='#b'>¶</a></h2><p>x</p></section>"
        "<h2><a name='c'></a>C</h2><p>x</p><h2>D</h2><p>x</p>"
    )
    found = [section.anchors for section in html_sections(page, "x")]
    assert found == [((0, "a"),), ((0, "b"),), ((0, "c"),), ()]


def test_the_main_part_may_be_told_by_its_role() -> None:
    page = "<div>Ours</div><div role='main'><h1>A</h1><p>b</p></div><div>(c)</div>"
    assert html_sections(page, "x") == [Section(("A",), "b")]


def test_marks_of_notes_are_no_text_and_notes_are() -> None:
    page = (
        "<p>A claim.<sup><a href='#n1' id='r1'>[1]</a></sup></p>"
        "<ol><li id='n1'>Its proof. <a href='#r1'>\u2191</a></li></ol>"
    )
    assert html_sections(page, "x") == [Section(("x",), "A claim.\n\nIts proof.")]
