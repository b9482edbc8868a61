"""Queries without a language model: titles, sentences and key phrases of the document itself."""

import json
import math
import re
from collections import Counter

from stages.lib import seeds
from stages.lib.collection import Corpus, Document
from stages.lib.llm.answers import SyntheticQueries, SyntheticQuery
from stages.lib.llm.messages import Request, Response
from stages.lib.similarity import words

SENTENCE = re.compile(r"(?<=[.!?])\s+")
PHRASE_WORDS = 3
MIN_SENTENCE, MAX_SENTENCE = 5, 30  # words


class Extractive:
    """Answers from the documents' own words.

    Of each document it gives a key phrase (its rarest frequent words, by tf-idf), its title, and
    a sentence, for the types in their order; what the document lacks is left out.

    Args:
        corpus: the documents, by the subjects of the requests.
        types: the names of the queries' types.
        seed: of the sentence's choice.

    """

    def __init__(self, corpus: Corpus, types: list[str], seed: int) -> None:
        self._corpus = corpus
        self._types = types
        self._seed = seed
        self._frequency = Counter(
            word for document in corpus.values() for word in set(words(document.contents))
        )

    async def complete(self, request: Request) -> Response | None:
        """Rules that say what this provider does, or a document's extracts."""
        if request.schema == "dataset_rules":
            rules = ["Queries are titles, sentences and key phrases of the documents themselves."]
            return _response(json.dumps({"rules": rules}))
        if request.schema != "synthetic_queries":
            return None
        document = self._corpus[request.subject]
        extracts = [self._phrase(document), document.title, self._sentence(document)]
        queries = [
            SyntheticQuery(type=name, text=text)
            for name, text in zip(self._types, extracts, strict=False)
            if text
        ]
        return _response(SyntheticQueries(queries=queries).model_dump_json())

    def _phrase(self, document: Document) -> str:
        counts = Counter(word for word in words(document.contents) if len(word) > 2)
        weights = {
            word: (1 + math.log(count)) * math.log(len(self._corpus) / self._frequency[word])
            for word, count in counts.items()
        }
        best = sorted(weights, key=lambda word: (-weights[word], word))[:PHRASE_WORDS]
        return " ".join(best)

    def _sentence(self, document: Document) -> str:
        sentences = [
            sentence
            for sentence in SENTENCE.split(document.text)
            if MIN_SENTENCE <= len(sentence.split()) <= MAX_SENTENCE
        ]
        if not sentences:
            return ""
        return sentences[seeds.digest(self._seed, "sentence", document.doc_id) % len(sentences)]


def _response(text: str) -> Response:
    return Response(text, "stop", None, 0, 0)
