"""Queries without a language model: titles, sentences and key phrases of the document itself."""

import math
import re
from collections import Counter
from collections.abc import Iterator

import orjson

from stages.lib.core import seeds
from stages.lib.core.collection import Corpus, Document
from stages.lib.core.text import words
from stages.lib.llm.messages import Request, Response

RULES = ["Queries are titles, sentences and key phrases of the documents themselves."]
SENTENCE = re.compile(r"(?<=[.!?])\s+|(?<=[。！？])")  # noqa: RUF001 - Chinese and Japanese
PHRASE_WORDS = 3
MIN_SENTENCE, MAX_SENTENCE = 20, 200  # characters


class Extractive:
    """Answers from the documents' own words.

    A query of the type keywords is a document's key phrase (its rarest frequent words, by tf-idf);
    the other types get its title and then sentences, as far as there are any.

    Args:
        corpus: the documents, by the subjects of the requests.
        types: the names of the queries' types.
        seed: of the sentences' choice.

    """

    paid = False

    def __init__(self, corpus: Corpus, types: list[str], seed: int) -> None:
        self._corpus = corpus
        self._types = types
        self._seed = seed
        self._frequency = Counter(
            word for document in corpus.values() for word in set(words(document.contents))
        )

    async def complete(self, request: Request) -> Response | None:
        """A rule that says what this provider does, or a document's extracts."""
        if request.schema == "dataset_rules":
            return _response({"rules": RULES})
        if request.schema == "synthetic_queries":
            return _response({"queries": list(self._queries(self._corpus[request.subject]))})
        return None

    async def close(self) -> None:
        """There is nothing to end."""

    def _queries(self, document: Document) -> Iterator[dict[str, str]]:
        extracts = self._extracts(document)
        for name in self._types:
            text = self._phrase(document) if name == "keywords" else next(extracts, "")
            if text:
                yield {"type": name, "text": text}

    def _phrase(self, document: Document) -> str:
        counts = Counter(word for word in words(document.contents) if len(word) > 2)
        weights = {
            word: (1 + math.log(count)) * math.log(len(self._corpus) / self._frequency[word])
            for word, count in counts.items()
        }
        return " ".join(sorted(weights, key=lambda word: (-weights[word], word))[:PHRASE_WORDS])

    def _extracts(self, document: Document) -> Iterator[str]:
        if document.title.strip():
            yield document.title
        sentences = {
            sentence.strip()
            for sentence in SENTENCE.split(document.text)
            if MIN_SENTENCE <= len(sentence.strip()) <= MAX_SENTENCE
        }
        yield from seeds.shuffled(self._seed, sentences, "sentence", document.doc_id)


def _response(answer: dict[str, object]) -> Response:
    return Response(orjson.dumps(answer).decode(), "stop", None, "extractive", 0, 0)
