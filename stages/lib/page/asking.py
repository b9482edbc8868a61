"""Answers by the language model from the first passages of two systems."""

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from stages.lib.answering.passages import PassagePrompts, Statement
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

    def _ask(self, question: str, documents: Sequence[Document]) -> Reply:
        if self._session is None:
            self._session = Session(self._corpus, self._params, self._store, "ask")
        try:
            asked = self._session.ask([self._prompts.answer(question, documents)], 1)
        except UserError as error:
            return Reply([], str(error))
        parts: Mapping[str, Statement] = next(iter(asked.answers.get(question, [])), {})
        if not parts:
            why = asked.faults_message()
            if self.provider == "recorded":
                why = f"no answer is recorded for this question ({self._params.llm.recorded})"
            return Reply([], why, asked.spent)
        return Reply([parts[name] for name in sorted(parts)], "", asked.spent)
