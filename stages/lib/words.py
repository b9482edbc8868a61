"""The words of a text."""

import re
from itertools import islice

WORD = re.compile(r"\w+")


def words(text: str) -> list[str]:
    """The words of a text in lower case."""
    return WORD.findall(text.lower())


def has_words(text: str, number: int) -> bool:
    """Whether a text has so many words; looks no further than those."""
    return sum(1 for _ in islice(WORD.finditer(text), number)) == number


def normal(text: str) -> str:
    """A text without case, punctuation and extra white space."""
    return " ".join(words(text))
