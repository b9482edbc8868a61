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
from stages.lib.llm.providers.table import PROVIDERS
from stages.lib.llm.spending import BudgetError, Purse, price_of
from stages.lib.llm.storage.store import Store
from stages.lib.params import Params

POLL = 2.0
"""Seconds between looks at batches under way."""


def ask(
    questions: Iterable[Question[P]],
    total: int,
    corpus: Corpus,
    params: Params,
    output: Path,
    label: str,
) -> Asked[P]:
    """Asks all questions; at the end the responses used stand in the stage's output.

    Args:
        questions: may be made on the way.
        total: how many there are.
        corpus: what they are about.
        params: provider, model, attempts and prices.
        output: the stage's store.
        label: what progress and errors call this.

    Raises:
        UserError: see `Asker.ask`.

    """
    environment = Environment.read()
    store = Store(output, environment.journal)
    kind = PROVIDERS[params.llm.provider]
    batch = kind.paid and params.llm.mode == "batch"
    limit = environment.budget if kind.paid else None
    price = price_of(params.llm.model, params.prices.models, limit)
    purse = Purse(price, params.prices.batch_factor if batch else 1.0, limit)
    asked: Asked[P] = Asked()
    if batch:
        asked = _ask_in_batches(list(questions), store, purse, params, environment, label)
    elif kind.open is not None:
        provider = kind.open(params, corpus, environment)
        asker: Asker[P] = Asker(
            provider, store, purse, params.llm.attempts, environment.concurrency
        )
        asked = asker.ask(questions, total, label)
    asked.spent, asked.damaged = purse.spent, store.damaged
    store.save()
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
