"""Words as Vespa has them; what Vespa itself says of them is asked in tests/vespa."""

from typing import get_args

import pytest

from stages.lib.search.linguistics import TAGS, Stems, split
from stages.lib.values import Language


def words(text: str, language: Language = "english") -> list[str]:
    return [Stems(language)(word) for word in split(text)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Don't re-start a_b, API v2.0!", "don t re start a b api v2 0"),
        ("The cats\u2019 running-shoes", "the cat run shoe"),
        ("Café nai\u0308ve ÉTÉ", "cafe naiv ete"),  # composed or not
        ("\ufb01ne \uff12\uff10 x² №5", "fine 20 x2 no 5"),
        ("30°C ⚠caution", "30 ° c ⚠ caution"),
        ("如何重置密码? 密码 ok", "如何重置密码 密码 ok"),
        ("\u0301 a \u0301b", "a b"),
        (" -_- ", ""),
    ],
)
def test_words_are_letters_and_digits_without_accents(text: str, expected: str) -> None:
    assert words(text) == expected.split()


def test_short_words_and_function_words_count() -> None:
    assert words("To be a C programmer or not") == ["to", "be", "a", "c", "programm", "or", "not"]


def test_english_keeps_both_consonants_of_the_shortest_words() -> None:
    assert words("added adding erred egging") == ["add", "add", "err", "egg"]
    assert words("odds ended aired upped running") == ["odd", "end", "air", "up", "run"]


def test_a_word_that_is_nothing_but_an_ending_stays() -> None:
    assert words("leri evleri", "turkish") == ["leri", "ev"]


def test_without_a_language_words_are_whole() -> None:
    text = "running Häuser собаки όταν"
    assert words(text, "none") == ["running", "hauser", "собаки", "οταν"]


def test_every_language_has_a_tag_and_a_stemmer() -> None:
    assert list(TAGS) == list(get_args(Language))
    for language in TAGS:
        assert Stems(language)("x") == "x"
