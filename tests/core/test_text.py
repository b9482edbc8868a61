"""Words, of scripts with spaces between them and without."""

import re
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stages.lib.core.text import (
    allowed,
    first_words,
    forbidden,
    has_words,
    jaccard,
    normal,
    one_line,
    sentence_spans,
    sentences,
    text_digest,
    words,
)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Don't re-start, API v2!", ["don", "t", "re", "start", "api", "v2"]),
        ("如何重置密码?", list("如何重置密码")),
        ("パスワード reset する", [*"パスワード", "reset", *"する"]),
        ("비밀번호 재설정", ["비밀번호", "재설정"]),
        ("हिन्दी में खोज", ["हिन्दी", "में", "खोज"]),
        ("كِتَابٌ قديم", ["كِتَابٌ", "قديم"]),
        ("ค้นหา ที่นี่", ["ค้นหา", "ที่นี่"]),
        ("nai\u0308ve-cafe\u0301", ["nai\u0308ve", "cafe\u0301"]),
    ],
)
def test_words(text: str, expected: list[str]) -> None:
    assert words(text) == expected
    assert has_words(text, len(expected))
    assert not has_words(text, len(expected) + 1)


def test_first_words_keep_what_stands_between() -> None:
    assert first_words("One,  two\nthree (four) five", 4) == "One, two three (four)"
    assert first_words("重置密码,请联系管理员。", 4) == "重置密码"
    assert first_words("  ", 4) == ""


@given(st.text(alphabet="abé .,-\n\t"), st.integers(1, 6))
def test_first_words_of_spaced_text_are_those_between_spaces(text: str, number: int) -> None:
    assert first_words(text, number) == " ".join(text.split()[:number])


def test_unspaced_texts_differ_by_degrees() -> None:
    assert jaccard("如何重置密码", "怎样重置密码") == pytest.approx(4 / 8)


def test_two_texts_are_the_same_whatever_case_and_white_space() -> None:
    assert one_line(" One\u00a0 two\n\tthree ") == "One two three"
    assert normal("Stra\u00dfe\n 5") == normal("STRASSE 5")
    assert text_digest("Red  apple") == text_digest("red apple")
    assert text_digest("red apple") != text_digest("red, apple")
    assert all(-(2**63) <= text_digest(str(number)) < 2**63 for number in range(100))


def test_sentences_keep_their_quotes_and_leave_headings_out() -> None:
    chinese = "如何重置密码\uff1f\uff01请联系管理员。"
    text = f'Heading\nHe said "it is ready." Nobody had expected that.  {chinese}'
    spans = [text[start:stop] for start, stop in sentence_spans(text)]
    assert spans == [
        "Heading",
        'He said "it is ready."',
        "Nobody had expected that.",
        "如何重置密码\uff1f\uff01",
        "请联系管理员。",
    ]
    assert sentences(text) == spans[1:3]


@pytest.mark.parametrize(
    ("character", "may_stand"),
    [
        ("a", True),
        ("\t", True),
        ("\r", True),
        ("\x7f", True),
        ("\U0001f600", True),
        ("\ufffd", True),
        ("\x00", False),
        ("\x0b", False),
        ("\x1f", False),
        ("\ud800", False),
        ("\udfff", False),
        ("\ufdd0", False),
        ("\ufddf", False),
        ("\ufde0", True),
        ("\ufffe", False),
        ("\U0010ffff", False),
        ("\U0003fffe", False),
    ],
)
def test_characters_that_may_stand(character: str, may_stand: bool) -> None:
    assert allowed(character) == may_stand
    assert forbidden(f"before {character} after") == (None if may_stand else character)


OLD = re.compile(r"\S.*?(?:[.!?]+[\"')\]]*(?=\s)|[\u3002\uff01\uff1f]+|$)", re.MULTILINE)
"""The plain form of what a sentence is, whose time is the square of a run of marks."""


@given(st.text(alphabet="ab .!?\"')\n\u3002", max_size=30))
def test_sentences_are_those_of_the_plain_form(text: str) -> None:
    assert list(sentence_spans(text)) == [match.span() for match in OLD.finditer(text)]


def test_a_line_of_dots_takes_no_time() -> None:
    begin = time.process_time()
    assert len(list(sentence_spans("." * 200_000))) == 1
    assert time.process_time() - begin < 2
