"""Splits and stems text as Vespa does, so that BM25 ranks here as it does there."""

import re
import unicodedata

import regex
import Stemmer

from stages.lib.values import Language

ACCENT = r"\u0300-\u036f"
PART = r"\p{L}\p{Mn}\p{Mc}\p{N}"
WORD = regex.compile(rf"[{ACCENT}]*[[{PART}]--[{ACCENT}]][{PART}]*|\p{{So}}", regex.V1)
"""A run of letters, marks and numbers, not of accents alone; or one symbol such as an emoji.

A run without spaces, as of Chinese, is one word to Vespa.
"""

TAGS: dict[Language, str] = {
    "arabic": "ar",
    "catalan": "ca",
    "danish": "da",
    "dutch": "nl",
    "english": "en",
    "finnish": "fi",
    "french": "fr",
    "german": "de",
    "greek": "el",
    "hungarian": "hu",
    "indonesian": "id",
    "irish": "ga",
    "italian": "it",
    "norwegian": "nb",
    "portuguese": "pt",
    "romanian": "ro",
    "russian": "ru",
    "spanish": "es",
    "swedish": "sv",
    "turkish": "tr",
    # Vespa always stems queries, as English where it has no stemmer for their language; its Greek
    # stemmer changes only Greek letters, so that it serves where nothing is to be stemmed
    "none": "el",
}
"""Vespa's codes of the languages that it stems as this module does."""


def split(text: str) -> list[str]:
    """The words of a text as they are written."""
    words: list[str] = WORD.findall(text)
    return words


class Stems:
    """Stems the words of a language as Vespa does."""

    def __init__(self, language: Language) -> None:
        self._english = language == "english"
        self._german = language == "german"
        # without a cache of its own: the tokenizer of bm25s keeps the stems
        self._stemmer = Stemmer.Stemmer("greek" if language == "none" else language, 0)

    def __call__(self, word: str) -> str:
        """A word in compatible characters and lower case, without accents and endings."""
        lower = unicodedata.normalize("NFKC", word).lower()
        plain = re.sub(f"[{ACCENT}]+", "", unicodedata.normalize("NFD", lower))
        if self._german:
            plain = _newer_german(plain)
        stem = str(self._stemmer.stemWord(plain))
        if self._english and _doubled(plain, stem):
            return plain[:3]
        # Vespa keeps a word that is nothing but an ending
        return stem or plain


def _doubled(word: str, stem: str) -> bool:
    """Whether an English word is such as "added", which Vespa stems to "add" and not to "ad"."""
    return len(stem) == 2 and stem[0] in "aeo" and word[:3] == stem + stem[1] and len(word) > 4


def _newer_german(word: str) -> str:
    """Does to a German word what Vespa's newer Snowball does before the rules of the one here.

    It reads ae, oe and ue as umlauts, and takes off the endings -erin and -erinnen.
    """
    umlauts = re.sub("(?<![aeiouq])ue|ae|oe", lambda vowels: vowels[0][0], word)
    return re.sub("erin(nen)?$", "er", umlauts)
