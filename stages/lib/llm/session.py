"""A stage's questions to the provider that the parameters name."""

import asyncio
import time
from collections.abc import Iterable
from pathlib import Path

from stages.lib.core.collection import Corpus
from stages.lib.errors import UserError
from stages.lib.llm.answers import P, Question
from stages.lib.llm.ask import Asker
from stages.lib.llm.asked import Asked
from stages.lib.llm.environment import Environment
from stages.lib.llm.messages import Heard
from stages.lib.llm.providers.table import PROVIDERS
from stages.lib.llm.spending import BudgetError, Purse, price_of
from stages.lib.llm.storage.store import Store
from stages.lib.params import Params

POLL = 2.0
"""Seconds between looks at batches under way."""


class Session:
    """A stage that asks more than once: one budget and one output for all its questions.

    Args:
        corpus: what the questions are about.
        params: provider, model, attempts and prices.
        output: the stage's store.
        label: what progress and errors call this.
        heard: is told each new answer while it comes in, where the provider can.

    """

    def __init__(
        self,
        corpus: Corpus,
        params: Params,
        output: Path,
        label: str,
        heard: Heard | None = None,
    ) -> None:
        self._corpus = corpus
        self._params = params
        self._label = label
        self._heard = heard
        self._environment = Environment.read()
        self._store = Store(output, self._environment.journal)
        self._spent = 0.0

    def ask(self, questions: Iterable[Question[P]], total: int) -> Asked[P]:
        """Asks questions, which may be made on the way; `total` says how many there are.

        Raises:
            UserError: see `Asker.ask`.

        """
        params, environment, label = self._params, self._environment, self._label
        kind = PROVIDERS[params.llm.provider]
        batch = kind.paid and params.llm.mode == "batch"
        limit = environment.budget if kind.paid else None
        price = price_of(params.llm.model, params.prices.models, limit)
        # asyncio's locks belong to one loop, and each call here has a loop of its own
        purse = Purse(price, params.prices.batch_factor if batch else 1.0, limit)
        purse.spent = self._spent
        asked: Asked[P] = Asked()
        if batch:
            asked = _ask_in_batches(list(questions), self._store, purse, params, environment, label)
        elif kind.open is not None:
            provider = kind.open(params, self._corpus, environment, self._heard)
            asker: Asker[P] = Asker(
                provider, self._store, purse, params.llm.attempts, environment.concurrency
            )
            asked = asker.ask(questions, total, label)
        asked.spent, asked.damaged = purse.spent - self._spent, self._store.damaged
        self._spent = purse.spent
        return asked

    def save(self) -> None:
        """Writes the responses used to the stage's output."""
        self._store.save()


def ask(
    questions: Iterable[Question[P]],
    total: int,
    corpus: Corpus,
    params: Params,
    output: Path,
    label: str,
) -> Asked[P]:
    """Asks all questions of a stage that asks once; its output holds the responses used.

    Raises:
        UserError: see `Asker.ask`.

    """
    session = Session(corpus, params, output, label)
    asked = session.ask(questions, total)
    session.save()
    return asked


def _ask_in_batches(
    questions: list[Question[P]],
    store: Store,
    purse: Purse,
    params: Params,
    environment: Environment,
    label: str,
) -> Asked[P]:
    """Submits what is not stored and waits for as long as the environment says."""
    from stages.lib.llm.providers.batches import Batches

    deadline = time.monotonic() + environment.batch_wait
    batches = Batches(environment.timeout, store, purse)
    while True:
        asyncio.run(batches.collect())
        asker: Asker[P] = Asker(batches, store, purse, params.llm.attempts, concurrency=1)
        try:
            asked = asker.ask(questions, len(questions), label)
        except BudgetError:
            asyncio.run(batches.submit())
            raise
        if not asked.pending:
            return asked
        submitted = asyncio.run(batches.submit())
        if time.monotonic() >= deadline:
            raise UserError(
                f"{label}: {asked.pending} of {len(questions)} answers are in batches under way "
                f"({', '.join(submitted)}); run again to pick them up"
            )
        time.sleep(POLL)


def ask_nothing(output: Path) -> None:
    """Writes the store of a stage that has nothing to ask; what it held is kept in the journal."""
    Store(output, Environment.read().journal).save()
