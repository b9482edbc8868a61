"""A stage's conversation with the provider that the parameters name."""

from collections.abc import Iterable
from pathlib import Path

from stages.lib.collection import Corpus
from stages.lib.llm.answers import P, Question
from stages.lib.llm.ask import Asked, Asker
from stages.lib.llm.endpoint import Endpoint
from stages.lib.llm.environment import Environment
from stages.lib.llm.extractive import Extractive
from stages.lib.llm.messages import Provider
from stages.lib.llm.recorded import Recorded
from stages.lib.llm.spending import Purse, price_of
from stages.lib.llm.store import Store
from stages.lib.params import Params


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
    provider = _provider(params, corpus, environment)
    limit = environment.budget if provider.paid else None
    price = price_of(params.llm.model, params.prices.models, limit)
    purse = Purse(price, 1.0, limit)
    asker: Asker[P] = Asker(provider, store, purse, params.llm.attempts, environment.concurrency)
    asked = asker.ask(questions, total, label)
    store.save()
    return asked


def ask_nothing(output: Path) -> None:
    """Writes the store of a stage that has nothing to ask; what it held is kept in the journal."""
    Store(output, Environment.read().journal).save()


def _provider(params: Params, corpus: Corpus, environment: Environment) -> Provider:
    match params.llm.provider:
        case "openai":
            return Endpoint(environment.timeout)
        case "recorded":
            return Recorded(params.llm.recorded)
        case "extractive":
            return Extractive(corpus, params.generate.types, params.seed)
