"""BM25 over title and text, by bm25s."""

from collections.abc import Sequence

import bm25s
import numpy as np
from bm25s.tokenization import Tokenizer

from stages.lib.encoding.encoder import Vectors
from stages.lib.params import Bm25
from stages.lib.search.linguistics import Stems, split


class Lexical:
    """BM25 scores of a corpus."""

    def __init__(self, doc_ids: Sequence[str], texts: Sequence[str], params: Bm25) -> None:
        self.doc_ids = list(doc_ids)
        self._tokenizer = Tokenizer(
            lower=False, splitter=split, stopwords=[], stemmer=Stems(params.language)
        )
        self._index = bm25s.BM25(method="lucene", k1=params.k1, b=params.b)
        words = self._tokenizer.tokenize(
            texts, update_vocab=True, return_as="tuple", show_progress=False
        )
        self._index.index(words, show_progress=False)

    def scores(self, texts: Sequence[str]) -> Vectors:
        """Scores of every document for each text, (texts, documents); 0 without a shared word."""
        out = np.zeros((len(texts), len(self.doc_ids)), dtype=np.float32)
        tokenized = self._tokenizer.streaming_tokenize(texts, update_vocab=False, allow_empty=False)
        for row, words in enumerate(tokenized):
            if words:
                out[row] = self._index.get_scores(words)
        return out
