"""The words that BM25 sees in Vespa, by its own linguistics, are those that it sees here."""

from pathlib import Path
from typing import Literal, get_args

import pytest
import yaml

from stages.lib.core.collection import read_corpus, read_queries
from stages.lib.search.linguistics import Stems, split
from stages.lib.values import Language
from tests.vespa.deployments import packed
from tests.vespa.judge import Judge
from tests.vespa.workspace import ROOT, Workspace

MIXED = [
    "The cats' running-shoes, v2.0: don't!",
    "Café naïve e\u0301te\u0301",
    "007 18446744073709551616 1.5e3 0x1F 1,000 a_b",
    "日本語 テスト title:foo +a -b (x OR y)",
    "!!! \U0001f600",
    "",
]


PAGES: dict[Language, str] = yaml.safe_load(
    (Path(__file__).parent / "pages.yaml").read_text("utf-8")
)
KINDS: tuple[Literal["document", "query"], ...] = ("document", "query")


def ours(language: Language, texts: list[str]) -> list[list[str]]:
    stems = Stems(language)
    return [[stems(word) for word in split(text)] for text in texts]


@pytest.mark.parametrize("kind", KINDS)
def test_words_are_split_lowered_stemmed_and_without_accents(
    workspace: Workspace, judge: Judge, kind: Literal["document", "query"]
) -> None:
    packed(workspace)
    expected = [
        ["the", "cat", "run", "shoe", "v2", "0", "don", "t"],
        ["cafe", "naiv", "ete"],
        ["007", "18446744073709551616", "1", "5e3", "0x1f", "1", "000", "a", "b"],
        ["日本語", "テスト", "titl", "foo", "a", "b", "x", "or", "y"],
        ["\U0001f600"],
        [],
    ]
    assert judge.words(workspace.application, kind, MIXED) == expected
    assert ours("english", MIXED) == expected


@pytest.mark.parametrize("language", get_args(Language))
def test_words_of_each_language_are_the_same_here(
    workspace: Workspace, judge: Judge, language: Language
) -> None:
    workspace.set("bm25", language=language)
    packed(workspace)
    for kind in KINDS:
        # each sentence by itself: what is guessed of short texts is often wrong
        texts = [*PAGES[language].split(". "), *MIXED]
        assert judge.words(workspace.application, kind, texts) == ours(language, texts)


def test_words_of_the_sample_are_the_same_here(workspace: Workspace, judge: Judge) -> None:
    packed(workspace)
    sample = ROOT / "data" / "sample"
    documents = [each.contents for each in read_corpus(sample / "corpus.jsonl").values()]
    queries = list(read_queries(sample / "queries.jsonl").values())
    assert judge.words(workspace.application, "document", documents) == ours("english", documents)
    assert judge.words(workspace.application, "query", queries) == ours("english", queries)
