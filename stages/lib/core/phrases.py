"""Finds the words that tell a document from the others; key phrases are made of them."""

import math
from collections import Counter

import regex
from bm25s.stopwords import STOPWORDS_EN_PLUS

from stages.lib.core.collection import Corpus, Document

TERM = regex.compile(r"[^\W\d_][\w\p{M}-]+")
"""A word that begins with a letter, hyphens included: it stands in a phrase as the text has it."""
SHORTEST = 3
STOPWORDS = frozenset(STOPWORDS_EN_PLUS)


class Telling:
    """Words by tf-idf over a corpus.

    The corpus is read once to count its words, and once more as its documents are asked for: the
    words of a large one do not fit into memory.
    """

    def __init__(self, corpus: Corpus) -> None:
        self._documents = len(corpus)
        self._frequency = Counter(
            term for document in corpus.values() for term in set(terms(document.contents))
        )

    def words(self, document: Document, number: int) -> list[str]:
        """The most telling words of a document of the corpus, at most `number`, best first."""
        counts = Counter(terms(document.contents))
        weights = {
            term: (1 + math.log(count)) * math.log(self._documents / self._frequency[term])
            for term, count in counts.items()
        }
        return sorted(weights, key=lambda term: (-weights[term], term))[:number]


def terms(text: str) -> list[str]:
    """The words of a text that may stand in a phrase, in lower case, without English stop words."""
    return [
        term
        for term in TERM.findall(text.lower())
        if len(term) >= SHORTEST and term not in STOPWORDS
    ]
