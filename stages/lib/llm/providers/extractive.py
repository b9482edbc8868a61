"""Queries without a language model: titles, sentences and key phrases of the document itself."""

from collections.abc import Iterator

import orjson

from stages.lib.core import seeds
from stages.lib.core.collection import Corpus, Document
from stages.lib.core.phrases import Telling
from stages.lib.core.text import sentences
from stages.lib.llm.messages import Request, Response

RULES = ["Queries are titles, sentences and key phrases of the documents themselves."]
PHRASE_WORDS = 3
MAX_SENTENCE = 200  # characters


class Extractive:
    """Answers from the documents' own words.

    A query of the type keywords is a document's key phrase (its rarest frequent words, by tf-idf);
    the other types get its heading and then sentences, as far as there are any.

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
        self._telling = Telling(corpus)

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
        return " ".join(self._telling.words(document, PHRASE_WORDS))

    def _extracts(self, document: Document) -> Iterator[str]:
        if document.heading:
            yield document.heading
        extracts = {text for text in sentences(document.text) if len(text) <= MAX_SENTENCE}
        yield from seeds.shuffled(self._seed, extracts, "sentence", document.doc_id)


def _response(answer: dict[str, object]) -> Response:
    return Response(orjson.dumps(answer).decode(), "stop", None, "extractive", 0, 0)
