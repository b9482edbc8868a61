"""BM25 over title and text, by bm25s."""

from collections.abc import Sequence
from typing import Any

import bm25s
import numpy as np
import Stemmer

from stages.lib.core.text import UNSPACED
from stages.lib.encoding.encoder import Vectors
from stages.lib.errors import UserError
from stages.lib.params import Bm25

TOKEN = rf"[{UNSPACED}]|[^\W{UNSPACED}]{{2,}}"


class Lexical:
    """BM25 scores of a corpus."""

    def __init__(self, doc_ids: Sequence[str], texts: Sequence[str], params: Bm25) -> None:
        self.doc_ids = list(doc_ids)
        self._stopwords, self._stemmer = _language(params.language)
        self._index = bm25s.BM25(method="lucene", k1=params.k1, b=params.b)
        self._index.index(self._tokenized(texts, ids=True), show_progress=False)

    def scores(self, texts: Sequence[str]) -> Vectors:
        """Scores of every document for each text, (texts, documents); 0 without a shared word."""
        out = np.zeros((len(texts), len(self.doc_ids)), dtype=np.float32)
        for row, words in enumerate(self._tokenized(texts, ids=False)):
            known = [word for word in words if word in self._index.vocab_dict]
            if known:
                out[row] = self._index.get_scores(known)
        return out

    def _tokenized(self, texts: Sequence[str], ids: bool) -> Any:
        """Lists of words or, with `ids`, of numbers with their vocabulary: less memory."""
        return bm25s.tokenize(
            texts,
            token_pattern=TOKEN,
            stopwords=self._stopwords,
            stemmer=self._stemmer,
            return_ids=ids,
            show_progress=False,
        )


def _language(name: str) -> tuple[str | list[str], Stemmer.Stemmer | None]:
    if name == "none":
        return [], None
    if name not in Stemmer.algorithms():
        raise UserError(
            f"params.yaml: bm25.language: no stemmer for {name!r}; one of "
            f"{', '.join(Stemmer.algorithms())}, or none"
        )
    return ("en" if name == "english" else []), Stemmer.Stemmer(name)
