"""What text is: words, sentences, when two texts are the same, and which characters may stand."""

import re
from collections.abc import Iterator
from itertools import islice

import regex

from stages.lib.core.collection import Corpus, Document
from stages.lib.core.hashes import text_hash

UNSPACED = "\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
"""Han characters and kana, written without spaces between words: each counts as a word."""

WORD = regex.compile(
    rf"[{UNSPACED}]\p{{M}}*|[\w--[{UNSPACED}]][[\w\p{{M}}]--[{UNSPACED}]]*", regex.V1
)
"""A word with the marks that stand on its letters, such as vowels of Hindi, Thai and Arabic."""
PLAIN_WORD = re.compile(r"\w+", re.ASCII)
PIECE = rf"\s?(?:[{UNSPACED}]|[^\s{UNSPACED}]+)"
"""A word with the punctuation around it and the space before it."""


def words(text: str) -> list[str]:
    """The words of a text in lower case."""
    lower = text.lower()
    found: list[str] = (PLAIN_WORD if lower.isascii() else WORD).findall(lower)  # faster so
    return found


def has_words(text: str, number: int) -> bool:
    """Whether a text has at least `number` words; the rest is not read."""
    return sum(1 for _ in islice(WORD.finditer(text), number)) == number


def first_words(text: str, number: int) -> str:
    """The first `number` words of a text with their punctuation, white space as single spaces."""
    pieces = text.split()
    if text.isascii():  # many times as fast, for the documents of all prompts
        return " ".join(pieces[:number])
    match = re.match(f"(?:{PIECE}){{0,{number}}}", " ".join(pieces))
    return match[0] if match else ""


def jaccard(left: str, right: str) -> float:
    """The share of words that two texts have in common."""
    a, b = set(words(left)), set(words(right))
    return len(a & b) / len(a | b) if a | b else 1.0


def one_line(text: str) -> str:
    """The text with all white space as single spaces."""
    return " ".join(text.split())


def normal(text: str) -> str:
    """The normal form of a text: texts that differ in case and white space alone share it."""
    return one_line(text.casefold())


def text_digest(text: str) -> int:
    """64 bits that two texts share if their normal forms are the same; signed, for an array."""
    return int(text_hash(normal(text), digits=16), 16) - 2**63


SENTENCE = re.compile(
    r"(?:[.!?]{2,}+[\"')\]]*+(?=\s)"
    # a run of marks is tried from its first alone, or a line of dots would take time squared
    r"|\S.*?(?:(?<![.!?])[.!?]++[\"')\]]*+(?=\s)|[\u3002\uff01\uff1f]+|$))",
    re.MULTILINE,
)
"""A sentence with its closing quotes and brackets; at the end of a line it needs no mark."""

SHORTEST = 20
"""The least characters of a sentence; shorter pieces are headings and list marks."""


def sentence_spans(text: str) -> Iterator[tuple[int, int]]:
    """Where the sentences of a text lie, headings and list marks too; between them is white space.

    A sentence ends with its mark and with its line.
    """
    return (match.span() for match in SENTENCE.finditer(text))


def sentences(text: str) -> list[str]:
    """The sentences of a text, without those of fewer than twenty characters."""
    pieces = (text[start:stop].strip() for start, stop in sentence_spans(text))
    return [piece for piece in pieces if len(piece) >= SHORTEST]


def pieces(document: Document) -> list[str]:
    """What a document is compared with piece by piece: its title, and its sentences.

    A title answers a query as a sentence does, and often better. The whole contents of a document
    without a sentence are one piece, so that each has at least one.
    """
    found = sentences(document.text)
    title = [document.title] if document.title else []
    return [*title, *found] if found else [document.contents]


def all_sentences(corpus: Corpus) -> tuple[list[str], list[int]]:
    """The pieces of all documents one after the other, and where each document's begin."""
    texts: list[str] = []
    starts: list[int] = []
    for document in corpus.values():
        starts.append(len(texts))
        texts.extend(pieces(document))
    return texts, starts


LAST = (0xFFFE, 0xFFFF)
NONCHARACTERS = "".join(chr(plane | last) for plane in range(0, 0x110000, 0x10000) for last in LAST)
FORBIDDEN = re.compile(
    f"[\\x00-\\x08\\x0b\\x0c\\x0e-\\x1f\\ud800-\\udfff\\ufdd0-\\ufddf{NONCHARACTERS}]"
)
"""Control characters but tab and line ends, halves of characters, and noncharacters.

Of the noncharacters U+FDD0 to U+FDEF, Vespa takes the second half.
"""


def forbidden(text: str) -> str | None:
    """The first character of a text that Vespa refuses, if there is one."""
    match = FORBIDDEN.search(text)
    return match[0] if match else None


def allowed(character: str) -> bool:
    """Whether a character may stand in a text."""
    return forbidden(character) is None
