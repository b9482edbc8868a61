"""Answers by the language model from the first passages of two systems."""

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import orjson

from stages.lib.core.collection import Corpus, Document
from stages.lib.core.text import first_words, one_line
from stages.lib.errors import UserError
from stages.lib.llm.answers import Fault, Question, UnusableError, list_schema, object_schema
from stages.lib.llm.messages import Request
from stages.lib.llm.prompts import Template
from stages.lib.llm.providers.table import PROVIDERS
from stages.lib.llm.session import Session
from stages.lib.params import Params

LONGEST = 500
"""Characters of a question."""


@dataclass(frozen=True, slots=True)
class Statement:
    """A sentence of an answer, and the numbers (from 1) of the passages that it rests on."""

    text: str
    numbers: list[int]


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer, or why there is none."""

    statements: list[Statement]
    why_not: str = ""
    spent: float = 0.0


class Statements:
    """The form of an answer: its sentences, each with the doc_ids that it rests on."""

    name = "passage_answer"
    items = "statements"
    wanted: frozenset[str] = frozenset()
    json_schema: ClassVar[dict[str, Any]] = list_schema(
        items,
        object_schema(
            {
                "text": {"type": "string"},
                "doc_ids": {"type": "array", "items": {"type": "string"}},
            }
        ),
    )

    def __init__(self, doc_ids: Sequence[str]) -> None:
        self._numbers = {doc_id: number for number, doc_id in enumerate(doc_ids, 1)}

    def part(self, index: int, item: Any) -> tuple[str, Statement]:
        """A statement; a passage that was not shown is not cited."""
        text = item.get("text") if isinstance(item, dict) else None
        doc_ids = item.get("doc_ids") if isinstance(item, dict) else None
        if not isinstance(text, str) or not isinstance(doc_ids, list) or not one_line(text):
            raise UnusableError(Fault.OFF_SCHEMA)
        cited = {self._numbers[d] for d in doc_ids if isinstance(d, str) and d in self._numbers}
        return f"{index:03}", Statement(one_line(text), sorted(cited))


class Answerer:
    """Asks the provider of the parameters; what is paid for is journalled and within the budget.

    Args:
        corpus: what passages come from.
        prompts: folder of the prompts; ask.txt is this one's.
        store: of the responses that this page has used.
        params: provider, model and prices.

    """

    def __init__(self, corpus: Corpus, prompts: Path, store: Path, params: Params) -> None:
        self._corpus = corpus
        self._template = Template(prompts / "ask.txt")
        self._store = store
        self._params = params
        self._session: Session | None = None
        # the journal's connection belongs to one thread, and one budget to all questions
        self._thread = ThreadPoolExecutor(1, "ask")

    @property
    def provider(self) -> str:
        """Who answers, by name."""
        return self._params.llm.provider

    def why_not(self) -> str:
        """Why nobody answers; "" where somebody does."""
        kind = PROVIDERS[self.provider]
        if not kind.uses_llm or not kind.asks:
            return f"llm.provider is {self.provider}: nobody answers. The passages are below."
        return ""

    def answer(self, question: str, documents: Sequence[Document]) -> Reply:
        """The answer from these passages."""
        if self.why_not():
            return Reply([], self.why_not())
        return self._thread.submit(self._ask, question, documents).result()

    def question(self, question: str, documents: Sequence[Document]) -> Question[Statement]:
        """The request for an answer from these passages."""
        llm = self._params.llm
        lines = [orjson.dumps({"question": question}).decode()]
        lines += [
            orjson.dumps(
                {
                    "doc_id": document.doc_id,
                    "title": one_line(document.title),
                    "text": first_words(document.text, llm.document_words),
                }
            ).decode()
            for document in documents
        ]
        form = Statements([document.doc_id for document in documents])
        request = Request(
            schema=form.name,
            subject=question,
            system=self._template.render(),
            user="\n".join(lines),
            json_schema=form.json_schema,
            model=llm.model,
            temperature=llm.temperature,
            max_tokens=llm.max_tokens,
        )
        return Question(request, form)

    def _ask(self, question: str, documents: Sequence[Document]) -> Reply:
        if self._session is None:
            self._session = Session(self._corpus, self._params, self._store, "ask")
        try:
            asked = self._session.ask([self.question(question, documents)], 1)
        except UserError as error:
            return Reply([], str(error))
        parts: Mapping[str, Statement] = next(iter(asked.answers.get(question, [])), {})
        if not parts:
            why = asked.faults_message()
            if self.provider == "recorded":
                why = f"no answer is recorded for this question ({self._params.llm.recorded})"
            return Reply([], why, asked.spent)
        return Reply([parts[name] for name in sorted(parts)], "", asked.spent)
