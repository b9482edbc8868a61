"""The requests of each stage, from prompts that are files.

A document enters a prompt as one line of JSON. So it can neither end its quotation nor forge a
line of its own: whatever it says, it is a string in the place where documents stand.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from random import Random
from string import Template

import orjson
import yaml

from stages.lib.core import seeds
from stages.lib.core.collection import Corpus, Document, Split
from stages.lib.core.text import first_words, one_line
from stages.lib.errors import UserError
from stages.lib.llm.answers import Form, Judgements, P, Queries, Question, Rules
from stages.lib.llm.messages import Request
from stages.lib.params import Generate, Llm
from stages.lib.params import Rules as RulesParams

POOL = 64
"""Examples from which each prompt's few-shot examples are drawn."""

OPENING = 10
"""Words that stand for the title of a document without one."""


class Prompts:
    """Makes requests from a folder of prompts: rules.txt, generate.txt, judge.txt, types.yaml."""

    def __init__(self, folder: Path, params: Llm, seed: int) -> None:
        self._folder = folder
        self._params = params
        self._seed = seed

    def rules(self, corpus: Corpus, train: Split, params: RulesParams) -> Question[str]:
        """One request about documents, and train queries where there are some, drawn by hash."""
        shown = seeds.shuffled(self._seed, corpus, "rules")[: params.documents]
        asked = seeds.shuffled(self._seed, train.queries, "rules")[: params.queries]
        lines = [self._document(corpus[doc_id]) for doc_id in shown]
        lines += [_json({"query": train.queries[query_id]}) for query_id in asked]
        system = self._template("rules").substitute(
            with_queries=", and queries that people asked" if asked else ""
        )
        return self._question(Rules(), "collection", system, "\n".join(lines))

    def queries(
        self,
        documents: Iterable[Document],
        rules: Sequence[str],
        examples: Sequence[tuple[str, Document]],
        params: Generate,
    ) -> Iterator[Question[str]]:
        """A request a document, with examples and attributes drawn for it by hash.

        Args:
            documents: what to write queries for.
            rules: how the queries look.
            examples: queries with documents that answer them, from the train split alone.
            params: types, attributes and number of examples.

        """
        form = Queries(params.types, params.max_characters)
        meanings = self._types()
        template = Template(
            self._template("generate").safe_substitute(
                rules="\n".join(f"- {one_line(rule)}" for rule in rules),
                types="\n".join(f"- {name}: {meanings.get(name, name)}" for name in params.types),
            )
        )
        pool = [(doc.doc_id, _example(query, doc)) for query, doc in examples]
        attributes = [(name, weights) for name, weights in params.attributes if weights]
        for document in documents:
            system = template.substitute(
                examples=_section(
                    "Real queries, each with the title of a document that answers it:",
                    _few_shot(self._seed, document.doc_id, pool, params.few_shot),
                ),
                attributes=_section(
                    "This time the queries have these traits:",
                    [_trait(self._seed, document.doc_id, *each) for each in attributes],
                ),
            )
            yield self._question(form, document.doc_id, system, self._document(document))

    def judgements(self, query_id: str, query: str, documents: Sequence[Document]) -> Question[int]:
        """A request for the grades of several documents."""
        lines = [_json({"query": query})]
        lines += [self._document(each, {"doc_id": each.doc_id}) for each in documents]
        form = Judgements(each.doc_id for each in documents)
        system = self._template("judge").substitute()
        return self._question(form, query_id, system, "\n".join(lines))

    def _question(self, form: Form[P], subject: str, system: str, user: str) -> Question[P]:
        request = Request(
            schema=form.name,
            subject=subject,
            system=system,
            user=user,
            json_schema=form.json_schema,
            model=self._params.model,
            temperature=self._params.temperature,
            max_tokens=self._params.max_tokens,
        )
        return Question(request, form)

    def _document(self, document: Document, ids: Mapping[str, str] | None = None) -> str:
        text = first_words(document.text, self._params.document_words)
        return _json({**(ids or {}), "title": one_line(document.title), "text": text})

    def _template(self, name: str) -> Template:
        path = self._folder / f"{name}.txt"
        template = Template(_read(path))
        if not template.is_valid():
            raise UserError(f"{path}: a lone $; write $$ for a dollar sign")
        return template

    def _types(self) -> dict[str, str]:
        path = self._folder / "types.yaml"
        meanings = yaml.safe_load(_read(path))
        if not isinstance(meanings, dict):
            raise UserError(f"{path}: expected lines of the form name: meaning")
        return meanings


def examples(corpus: Corpus, train: Split, seed: int) -> list[tuple[str, Document]]:
    """Train queries with their most relevant documents, the pool of few-shot examples."""
    found = []
    for query_id in seeds.shuffled(seed, train.qrels, "examples"):
        relevance, doc_id = max((grade, each) for each, grade in train.qrels[query_id].items())
        if relevance > 0 and doc_id in corpus and query_id in train.queries:
            found.append((train.queries[query_id], corpus[doc_id]))
        if len(found) == POOL:
            break
    return found


def _example(query: str, document: Document) -> str:
    # the title alone: it shows how queries relate to documents, and a second text beside the
    # document would cost as much again and tempt the model to write about that one
    title = one_line(document.title) or " ".join(document.text.split()[:OPENING])
    return _json({"title": title, "query": query})


def _few_shot(
    seed: int, doc_id: str, pool: Sequence[tuple[str, str]], number: int
) -> Sequence[str]:
    """Examples for a document, drawn by its own hash among those of other documents."""
    others = [text for each, text in pool if each != doc_id]
    if not others:
        return []
    chance = Random(seeds.digest(seed, "few_shot", doc_id))
    return chance.sample(others, min(number, len(others)))


def _trait(seed: int, doc_id: str, name: str, weights: Mapping[str, float]) -> str:
    """A value of the attribute, drawn by weight from the document's own hash."""
    mark = seeds.share(seed, "attribute", name, doc_id) * sum(weights.values())
    for value in weights:
        mark -= weights[value]
        if mark < 0:
            break
    return f"- {name}: {value}"


def _section(heading: str, lines: Sequence[str]) -> str:
    return "\n" + "\n".join([heading, *lines]) + "\n" if lines else ""


def _json(value: dict[str, str]) -> str:
    return orjson.dumps(value).decode()


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"{path}: cannot be read ({error})") from error
