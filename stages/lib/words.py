"""The words of a text."""

import re

WORD = re.compile(r"\w+")


def words(text: str) -> list[str]:
    """The words of a text in lower case."""
    return WORD.findall(text.lower())


def normal(text: str) -> str:
    """A text without case, punctuation and extra white space."""
    return " ".join(words(text))
