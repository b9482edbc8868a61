"""Files that say nearly the same as another one."""

import time

from stages.lib.sources.formats.section import Section
from stages.lib.sources.similar import Similar

PAGE = [f"Step {n} of the way to a backup takes {n * 7} minutes of the night." for n in range(40)]


def earlier(similar: Similar, place: str, lines: list[str]) -> str | None:
    return similar.earlier(place, [Section((), "\n".join(lines))])


def test_a_page_and_its_source_are_told() -> None:
    similar = Similar()
    assert earlier(similar, "page.html", PAGE) is None
    marked = ["Steps", "=====", ":ref:`top`", *(f"* {line}" for line in PAGE), "", "Imprint"]
    assert earlier(similar, "page.rst.txt", marked) == "page.html"
    assert earlier(similar, "again.html", [line.upper() for line in PAGE]) == "page.html"


def test_pages_that_share_a_part_are_not() -> None:
    similar = Similar()
    others = [f"Nobody has said {n} times that {n + 1} is a lot to restore." for n in range(40)]
    assert earlier(similar, "a", PAGE) is None
    assert earlier(similar, "b", PAGE[:10] + others) is None
    assert earlier(similar, "c", PAGE[:15]) is None
    assert earlier(similar, "d", ["Too short."]) is None
    assert earlier(similar, "e", ["Too short."]) is None


def test_many_files_take_little_time() -> None:
    similar = Similar()
    begin = time.process_time()
    for number in range(2000):
        earlier(similar, str(number), [*PAGE, f"{number} " * 400])
    assert time.process_time() - begin < 10
