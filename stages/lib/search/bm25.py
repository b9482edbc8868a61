"""BM25 over title and text, by bm25s."""

from collections.abc import Sequence

import bm25s
import numpy as np
from bm25s.tokenization import Tokenizer

from stages.lib.encoding.encoder import Vectors
from stages.lib.params import Bm25
from stages.lib.search.linguistics import Stems, split

COMMON = 8
"""A word that every so manieth document has is common."""
COMMON_CELLS = 2**24
"""Scores of common words that are held at most: 64 MB."""


class Lexical:
    """BM25 scores of a corpus."""

    def __init__(self, doc_ids: Sequence[str], texts: Sequence[str], params: Bm25) -> None:
        self.doc_ids = list(doc_ids)
        self._tokenizer = Tokenizer(
            lower=False, splitter=split, stopwords=[], stemmer=Stems(params.language)
        )
        index = bm25s.BM25(method="lucene", k1=params.k1, b=params.b)
        words = self._tokenizer.tokenize(
            texts, update_vocab=True, return_as="tuple", show_progress=False
        )
        index.index(words, show_progress=False)
        # each word's scores of the documents that have it, one word after the other
        self._scores = index.scores["data"]
        self._documents = index.scores["indices"]
        self._starts = index.scores["indptr"]
        self._common = self._common_words()

    def scores(self, texts: Sequence[str]) -> Vectors:
        """Scores of every document for each text, (texts, documents); 0 without a shared word."""
        out = np.zeros((len(texts), len(self.doc_ids)), dtype=np.float32)
        tokenized = self._tokenizer.streaming_tokenize(texts, update_vocab=False, allow_empty=False)
        for row, words in zip(out, tokenized, strict=True):
            for word in words:
                common = self._common.get(word)
                if common is not None:
                    row += common
                else:
                    start, end = self._starts[word : word + 2]
                    row[self._documents[start:end]] += self._scores[start:end]
        return out

    def _common_words(self) -> dict[int, Vectors]:
        """The scores of every document for each common word.

        Adding them all takes a tenth of the time of looking for the documents that have the word.
        """
        documents = len(self.doc_ids)
        counts = np.diff(self._starts)
        most = COMMON_CELLS // max(1, documents)
        found: dict[int, Vectors] = {}
        for word in np.argsort(-counts, kind="stable")[:most].tolist():
            if counts[word] * COMMON < documents:
                break
            start, end = self._starts[word : word + 2]
            row = np.zeros(documents, dtype=np.float32)
            row[self._documents[start:end]] = self._scores[start:end]
            found[word] = row
        return found
