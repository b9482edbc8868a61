"""Words, of scripts with spaces between them and without."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stages.lib.core.text import first_words, has_words, jaccard, words


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Don't re-start, API v2!", ["don", "t", "re", "start", "api", "v2"]),
        ("如何重置密码?", list("如何重置密码")),
        ("パスワード reset する", [*"パスワード", "reset", *"する"]),
        ("비밀번호 재설정", ["비밀번호", "재설정"]),
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
