"""Finds short texts that say the same in nearly the same words."""

from collections.abc import Sequence

import numpy as np
from scipy import sparse
from sklearn.feature_extraction.text import CountVectorizer

from stages.lib.core.text import words

PAIRS = 4_000_000
"""Pairs of texts that are compared at a time: some 100 MB where each shares a word with each."""


def nearest(
    texts: Sequence[str], others: Sequence[str]
) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    """The highest Jaccard similarity of each text's set of words to any of the others, (texts,)."""
    best = np.zeros(len(texts))
    if not texts or not others:
        return best
    vectorizer = CountVectorizer(analyzer=words, binary=True, dtype=np.int32)
    right = vectorizer.fit_transform([*others, "a"])[:-1]  # a vocabulary must not be empty
    sizes = np.asarray(right.sum(axis=1)).ravel()
    size = max(1, PAIRS // len(others))
    for start in range(0, len(texts), size):
        block = texts[start : start + size]
        counts = np.array([len(set(words(text))) for text in block])
        shared = sparse.coo_matrix(vectorizer.transform(block) @ right.T)
        similarity = shared.data / (counts[shared.row] + sizes[shared.col] - shared.data)
        np.maximum.at(best, start + shared.row, similarity)
    return best
