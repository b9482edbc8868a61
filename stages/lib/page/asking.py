"""Answers by the language model from the first passages of two systems."""

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from queue import SimpleQueue

from stages.lib.answering.passages import PassagePrompts, Statement, said
from stages.lib.core.collection import Corpus, Document
from stages.lib.errors import UserError
from stages.lib.llm.providers.table import PROVIDERS
from stages.lib.llm.session import Session
from stages.lib.params import Params

LONGEST = 500
"""Characters of a question."""


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer, or why there is none."""

    statements: list[Statement]
    why_not: str = ""
    spent: float = 0.0


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
        self._prompts = PassagePrompts(prompts, params.llm)
        self._store = store
        # who asks waits for the answer, which a batch would bring within a day
        direct = params.llm.model_copy(update={"mode": "direct"})
        self._params = params.model_copy(update={"llm": direct})
        self._session: Session | None = None
        self._told: SimpleQueue[str | Reply | BaseException] = SimpleQueue()
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

    def answer(self, question: str, documents: Sequence[Document]) -> Iterator[str | Reply]:
        """What the model says from these passages as it comes in, and at last the whole reply.

        Pieces of text follow each other; the reply alone has been checked, and may differ.
        """
        if self.why_not():
            yield Reply([], self.why_not())
            return
        told: SimpleQueue[str | Reply | BaseException] = SimpleQueue()
        self._thread.submit(self._ask, question, documents, told)
        shown = ""
        while not isinstance(piece := told.get(), Reply):
            if isinstance(piece, BaseException):
                raise piece
            text = said(piece)
            if text.startswith(shown):  # else the model was asked again, and the reply will tell
                yield text[len(shown) :]
                shown = text
        yield piece

    def _ask(
        self,
        question: str,
        documents: Sequence[Document],
        told: "SimpleQueue[str | Reply | BaseException]",
    ) -> None:
        self._told = told
        try:
            told.put(self._reply(question, documents))
        except UserError as error:
            told.put(Reply([], str(error)))
        except BaseException as error:  # who waits would wait for ever
            told.put(error)
            raise

    def _reply(self, question: str, documents: Sequence[Document]) -> Reply:
        if self._session is None:
            self._session = Session(
                self._corpus,
                self._params,
                self._store,
                "ask",
                lambda text: self._told.put(text),
            )
        asked = self._session.ask([self._prompts.answer(question, documents)], 1)
        parts: Mapping[str, Statement] = next(iter(asked.answers.get(question, [])), {})
        if not parts:
            why = asked.faults_message()
            if self.provider == "recorded":
                why = f"no answer is recorded for this question ({self._params.llm.recorded})"
            return Reply([], why, asked.spent)
        return Reply([parts[name] for name in sorted(parts)], "", asked.spent)
