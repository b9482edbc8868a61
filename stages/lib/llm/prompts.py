"""The requests of each stage, from prompts that are files."""

import json
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from string import Template

from stages.lib import seeds
from stages.lib.collection import Corpus, Document, Split
from stages.lib.files import read_text
from stages.lib.llm.answers import json_schema
from stages.lib.llm.messages import Request
from stages.lib.params import Llm

DOCUMENT_WORDS = 400
"""Words of a document that a prompt shows; what follows rarely changes what is asked about it."""

TYPES = {
    "keywords": "2 to 5 words as typed into a search box",
    "question": "a natural question of 6 to 16 words",
    "statement": "a sentence of 8 to 22 words that states a need or a situation",
    "claim": "a sentence of 8 to 22 words that states one checkable finding",
}
"""What the known types mean; others explain themselves by their names."""


EXAMPLES = "\nReal queries, each with a document that answers it:"


class Prompts:
    """Makes requests with the parameters that all of them share."""

    def __init__(self, template: Path, params: Llm, seed: int) -> None:
        self._template = Template(read_text(template))
        self._params = params
        self._seed = seed

    def rules(self, corpus: Corpus, train: Split, documents: int, queries: int) -> Request:
        """One request about documents, and train queries where there are some, drawn by hash."""
        shown = seeds.shuffled(self._seed, corpus, "rules")[:documents]
        asked = seeds.shuffled(self._seed, train.queries, "rules")[:queries]
        parts = [block(corpus[doc_id]) for doc_id in shown]
        parts += [f"<query>{_text(train.queries[query_id])}</query>" for query_id in asked]
        system = self._template.substitute(with_queries=" and queries that it got" if asked else "")
        return self._request("dataset_rules", "collection", system, "\n".join(parts))

    def queries(
        self,
        documents: Iterable[Document],
        rules: Sequence[str],
        types: Sequence[str],
        corpus: Corpus,
        train: Split,
        few_shot: int,
    ) -> Iterator[Request]:
        """A request a document, with examples from the train split drawn for it by hash."""
        examples = list(_examples(corpus, train))
        for document in documents:
            random = seeds.generator(self._seed, "few_shot", document.doc_id)
            shown = [examples[row] for row in random.permutation(len(examples))[:few_shot]]
            system = self._template.substitute(
                rules="\n".join(f"- {rule}" for rule in rules),
                types="\n".join(f"- {name}: {TYPES.get(name, name)}" for name in types),
                examples="\n".join(
                    ["\nReal queries, each with a document that answers it:", *shown]
                )
                if shown
                else "",
            )
            yield self._request("synthetic_queries", document.doc_id, system, block(document))

    def judgements(self, query_id: str, query: str, documents: Sequence[Document]) -> Request:
        """A request for the grades of several documents."""
        parts = [f'{{"doc_id": {json.dumps(each.doc_id)}}}\n{block(each)}' for each in documents]
        content = f"Query: {_text(query)}\n\n" + "\n".join(parts)
        return self._request("relevance_judgements", query_id, self._template.substitute(), content)

    def _request(
        self,
        schema: str,
        subject: str,
        system: str,
        content: str,
    ) -> Request:
        messages = (
            {"role": "system", "content": system},
            {"role": "user", "content": content},
        )
        model = self._params.model if self._params.provider == "openai" else self._params.provider
        return Request(
            schema=schema,
            subject=subject,
            messages=messages,
            json_schema=json_schema(schema),
            model=model,
            temperature=self._params.temperature,
            max_tokens=self._params.max_tokens,
        )


def block(document: Document) -> str:
    """A document between tags that its own text cannot close."""
    body = " ".join(document.text.split(" ")[:DOCUMENT_WORDS])
    return f"<document>\n{_text(document.title)}\n{_text(body)}\n</document>"


def _text(text: str) -> str:
    return text.replace("<", "(").replace(">", ")")


def _examples(corpus: Corpus, train: Split) -> Iterator[str]:
    for query_id in sorted(train.qrels):
        relevance, doc_id = max((grade, each) for each, grade in train.qrels[query_id].items())
        if relevance > 0 and doc_id in corpus:
            yield f"<query>{_text(train.queries[query_id])}</query>\n{block(corpus[doc_id])}"
