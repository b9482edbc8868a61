"""The one form of a text: for search, and for whoever reads the result."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stages.lib.core.characters import cleaned
from stages.lib.core.text import forbidden

ANY = st.text(st.characters(), max_size=40)
"""Halves of characters and noncharacters too."""


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("con\ufb01gure the work\ufb02ow o\ufb03ce", "configure the workflow office"),
        ("Daten\u00adsicherung", "Datensicherung"),
        ("Daten\u00ad\n  sicherung", "Datensicherung"),
        ("Zugangs\u200bschl\u00fcssel", "Zugangsschl\u00fcssel"),
        ("Ku\u0308che", "K\u00fcche"),
        ("e\u200b\u0301", "\u00e9"),
        ("\ufeffAuf\u200clage", "Auflage"),
        ("\uff21\uff30\uff29\uff11\uff12", "API12"),
        ("\uff76\uff9e\uff92\uff97", "\u30ac\u30e1\u30e9"),
        ("\ufefb", "\u0644\u0627"),
        ("page 1\x0cpage 2", "page 1\npage 2"),
        ("con\x00figure\x07", "configure"),
        ("\x1b[31mred\x1b[0m", "red"),
    ],
)
def test_the_same_word_in_another_encoding_is_the_same_word(text: str, expected: str) -> None:
    assert cleaned(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "x\u00b2 \u2264 10\u207b\u00b3, \u00bd cup, 5\u00a0\u00b5m, \u2460 Acme\u2122",
        "if a != b:\n\treturn a\r\n",
        "\u6253\u5f00\u3002\u771f\u7684\uff1f\u662f\uff01",
        "\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645",
        "\u0e2a\u0e27\u0e31\u0e2a\u200b\u0e14\u0e35",
        "\U0001f469\u200d\U0001f4bb",
    ],
)
def test_what_people_read_stays(text: str) -> None:
    assert cleaned(text) == text


@given(ANY)
def test_vespa_takes_any_text_and_twice_is_once(text: str) -> None:
    once = cleaned(text)
    assert forbidden(once) is None
    assert cleaned(once) == once
    assert unicodedata.is_normalized("NFC", once)


@given(st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cn"]), max_size=40))
def test_composed_and_decomposed_are_one(text: str) -> None:
    assert cleaned(unicodedata.normalize("NFD", text)) == cleaned(
        unicodedata.normalize("NFC", text)
    )


@given(st.text(st.characters(min_codepoint=32, max_codepoint=126)))
def test_printable_ascii_stays(text: str) -> None:
    assert cleaned(text) == text
