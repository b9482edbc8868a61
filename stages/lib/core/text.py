"""What text is: words, sentences, and when two texts count as the same."""

import hashlib
import re
from itertools import islice

from stages.lib.core.collection import Corpus

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


END = re.compile(r"(?<=[.!?])\s+|(?<=[\u3002\uff01\uff1f])|\n+")


MIN_CHARACTERS = 20
"""Shorter pieces are headings and list marks."""


def sentences(text: str) -> list[str]:
    """The sentences of a text, without those of fewer than twenty characters."""
    pieces = (piece.strip() for piece in END.split(text))
    return [piece for piece in pieces if len(piece) >= MIN_CHARACTERS]


def all_sentences(corpus: Corpus) -> tuple[list[str], list[int]]:
    """The sentences of all documents one after the other, and where each document's begin.

    A document without a sentence stands with its whole contents, so that each has at least one.
    """
    texts: list[str] = []
    starts: list[int] = []
    for document in corpus.values():
        starts.append(len(texts))
        texts.extend(sentences(document.text) or [document.contents])
    return texts, starts


def jaccard(left: str, right: str) -> float:
    """The share of words that two texts have in common."""
    a, b = set(words(left)), set(words(right))
    return len(a & b) / len(a | b) if a | b else 1.0


def normalised(text: str) -> str:
    """The text as it is compared: case and white space do not matter."""
    return " ".join(text.casefold().split())


def text_digest(text: str) -> int:
    """64 bits that two texts share if they are the same as compared; signed, for an array."""
    digest = hashlib.blake2b(normalised(text).encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big", signed=True)
