"""The words of a text."""

import re
from itertools import islice

UNSPACED = "\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
"""Han characters and kana, written without spaces between words: each counts as a word."""

WORD = re.compile(rf"[{UNSPACED}]|[^\W{UNSPACED}]+")
PIECE = rf"\s?(?:[{UNSPACED}]|[^\s{UNSPACED}]+)"
"""A word with the punctuation around it and the space before it."""


def words(text: str) -> list[str]:
    """The words of a text in lower case."""
    return WORD.findall(text.lower())


def has_words(text: str, number: int) -> bool:
    """Whether a text has so many words; looks no further than those."""
    return sum(1 for _ in islice(WORD.finditer(text), number)) == number


def first_words(text: str, number: int) -> str:
    """The text up to the end of so many words, punctuation kept, white space as single spaces."""
    pieces = text.split()
    if text.isascii():  # a prompt shows every document: this is many times as fast
        return " ".join(pieces[:number])
    found = re.match(f"(?:{PIECE}){{0,{number}}}", " ".join(pieces))
    return found[0] if found else ""


def normal(text: str) -> str:
    """A text without case, punctuation and extra white space."""
    return " ".join(words(text))
