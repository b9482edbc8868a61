"""Questions that a language model answers from passages alone."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import orjson
from pydantic_core import from_json

from stages.lib.core.collection import Document
from stages.lib.core.text import first_words, one_line
from stages.lib.llm.answers import (
    Fault,
    Form,
    P,
    Question,
    UnusableError,
    list_schema,
    object_schema,
)
from stages.lib.llm.messages import Request
from stages.lib.llm.prompts import Template
from stages.lib.llm_params import Llm


@dataclass(frozen=True, slots=True)
class Statement:
    """A sentence of an answer, and the numbers (from 1) of the passages that it rests on."""

    text: str
    numbers: list[int]


class Statements:
    """The form of an answer: its sentences, each with the doc_ids that it rests on.

    Args:
        doc_ids: the passages that are shown.
        label: begins the names of the parts, so that two answers to a question are told apart.

    """

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

    def __init__(self, doc_ids: Sequence[str], label: str = "") -> None:
        self._numbers = {doc_id: number for number, doc_id in enumerate(doc_ids, 1)}
        self._label = label

    def part(self, index: int, item: Any) -> tuple[str, Statement]:
        """A statement; a passage that was not shown is not cited."""
        text = item.get("text") if isinstance(item, dict) else None
        doc_ids = item.get("doc_ids") if isinstance(item, dict) else None
        if not isinstance(text, str) or not isinstance(doc_ids, list) or not one_line(text):
            raise UnusableError(Fault.OFF_SCHEMA)
        cited = {self._numbers[d] for d in doc_ids if isinstance(d, str) and d in self._numbers}
        return f"{self._label}{index:03}", Statement(one_line(text), sorted(cited))


def said(text: str) -> str:
    """The statements of an answer that is still coming in, as far as they are there."""
    try:
        answer = from_json(text[text.index("{") :], allow_partial="trailing-strings")
    except ValueError:
        return ""
    items = answer.get(Statements.items) if isinstance(answer, dict) else None
    texts = [item.get("text") for item in items or () if isinstance(item, dict)]
    return " ".join(text for text in texts if isinstance(text, str))


class PassagePrompts:
    """Makes the requests about answers from a folder of prompts: ask.txt and verdict.txt.

    Each passage, question and answer is a line of JSON, which no text can end or forge.
    """

    def __init__(self, folder: Path, params: Llm) -> None:
        self._folder = folder
        self._params = params
        self._systems: dict[str, str] = {}

    def answer(
        self, question: str, documents: Sequence[Document], label: str = ""
    ) -> Question[Statement]:
        """A request for an answer from these passages."""
        form = Statements([document.doc_id for document in documents], label)
        return self.question(form, "ask", question, [{"question": question}], documents)

    def question(
        self,
        form: Form[P],
        prompt: str,
        subject: str,
        lines: Iterable[Mapping[str, object]],
        documents: Iterable[Document],
    ) -> Question[P]:
        """A request of a prompt's words, then some lines of JSON and the documents."""
        shown = [*lines, *(self._passage(document) for document in documents)]
        request = Request(
            schema=form.name,
            subject=subject,
            system=self._system(prompt),
            user="\n".join(orjson.dumps(line).decode() for line in shown),
            json_schema=form.json_schema,
            model=self._params.model,
            temperature=self._params.temperature,
            max_tokens=self._params.max_tokens,
        )
        return Question(request, form)

    def _passage(self, document: Document) -> dict[str, str]:
        text = first_words(document.text, self._params.document_words)
        return {"doc_id": document.doc_id, "title": one_line(document.title), "text": text}

    def _system(self, name: str) -> str:
        if name not in self._systems:
            self._systems[name] = Template(self._folder / f"{name}.txt").render()
        return self._systems[name]
