"""The words that BM25 sees in Vespa, by its own linguistics."""

from typing import Literal

import pytest

from tests.vespa.deployments import packed
from tests.vespa.judge import Judge
from tests.vespa.project import Project

MIXED = [
    "The cats' running-shoes, v2.0: don't!",
    "Café naïve e\u0301te\u0301",
    "007 18446744073709551616 1.5e3 0x1F 1,000 a_b",
    "日本語 テスト title:foo +a -b (x OR y)",
    "!!! \U0001f600",
    "",
]


@pytest.mark.parametrize("kind", ["document", "query"])
def test_words_are_split_lowered_stemmed_and_without_accents(
    project: Project, judge: Judge, kind: Literal["document", "query"]
) -> None:
    packed(project)
    assert judge.words(project.application, kind, MIXED, "en") == [
        ["the", "cat", "running", "shoe", "v2", "0", "don", "t"],
        ["cafe", "naive", "ete"],
        ["007", "18446744073709551616", "1", "5e3", "0x1f", "1", "000", "a", "b"],
        ["日本語", "テスト", "title", "foo", "a", "b", "x", "or", "y"],
        ["\U0001f600"],
        [],
    ]


@pytest.mark.parametrize("kind", ["document", "query"])
def test_without_a_language_it_is_guessed(
    project: Project, judge: Judge, kind: Literal["document", "query"]
) -> None:
    packed(project)
    german = ["Die Katzen liefen über die Straßen"]
    (guessed,) = judge.words(project.application, kind, german)
    (told,) = judge.words(project.application, kind, german, "de")
    (wrong,) = judge.words(project.application, kind, german, "en")
    assert guessed == told == ["die", "katz", "lief", "uber", "die", "strass"]
    assert wrong == ["die", "katzen", "liefen", "uber", "die", "straßen"]
