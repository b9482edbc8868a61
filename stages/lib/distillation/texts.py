"""What the query encoder learns from: queries, and sentences that might be asked for."""

from collections.abc import Iterable

from stages.lib.core import seeds
from stages.lib.core.collection import Corpus
from stages.lib.core.text import all_sentences, words

SHORTEST, LONGEST = 4, 60
"""Words of a sentence that says something, and is no table or list."""
MOST_UNSEEN = 500
"""Texts that show how near the query encoder comes, and teach nothing."""


def texts_to_learn(queries: Iterable[str], corpus: Corpus, sentences: int, seed: int) -> list[str]:
    """The queries and some of the documents' sentences, each once, in a random order.

    Args:
        queries: all that were written or drawn from the documents.
        corpus: the documents.
        sentences: how many of theirs at most.
        seed: of what is drawn.

    """
    pieces = {
        piece for piece in all_sentences(corpus)[0] if SHORTEST <= len(words(piece)) <= LONGEST
    }
    drawn = seeds.shuffled(seed, pieces, "sentence to learn")[:sentences]
    return seeds.shuffled(seed, {*queries, *drawn}, "text to learn")


def held_out(texts: int) -> tuple[list[int], list[int]]:
    """The rows to learn from, and those, at the end, that show what was learnt.

    Args:
        texts: how many there are, in a random order.

    """
    unseen = min(MOST_UNSEEN, max(1, texts // 10))
    return list(range(texts - unseen)), list(range(texts - unseen, texts))
