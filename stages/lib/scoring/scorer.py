"""Scores of answers, each asked once: what is stored is read, the rest is computed and stored."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Protocol

from stages.lib.errors import UserError
from stages.lib.llm.messages import Response
from stages.lib.llm.storage.store import Store
from stages.lib.llm_params import Price
from stages.lib.scoring import remote
from stages.lib.scoring.causal import CausalModel
from stages.lib.scoring.wording import Asked, Score, stored_score


class Scorer(Protocol):
    """A language model that scores answers."""

    name: str
    """What decides the scores."""

    def fill(self, asked: Sequence[Asked], store: Store) -> None:
        """Stores the score of each."""
        ...


class Local:
    """A model of this machine.

    Args:
        folder: its files.
        key: the parameter that names it, for errors.

    """

    def __init__(self, folder: Path, key: str = "scoring.model") -> None:
        self._model = CausalModel(folder, key)
        self.name = self._model.name

    def fill(self, asked: Sequence[Asked], store: Store) -> None:
        """Computes and stores the score of each."""
        for at, score, read in self._model.scores(asked):
            store.put(asked[at], score.response(self.name, read, ""))


class Remote:
    """A model behind the endpoint of OPENAI_BASE_URL.

    Args:
        name: what the endpoint calls it.
        prices: of models by name.

    """

    def __init__(self, name: str, prices: Mapping[str, Price]) -> None:
        self.name = name
        self._prices = prices

    def fill(self, asked: Sequence[Asked], store: Store) -> None:
        """Asks for and stores the score of each."""
        remote.ask(asked, store, self._prices)


def score(asked: Sequence[Asked], scorer: Scorer, store: Store) -> list[Score]:
    """The score of each answer, in their order; new ones are in the journal before this returns."""
    missing = {one.key: one for one in asked if store.get(one) is None}
    scorer.fill(list(missing.values()), store)
    found = []
    for one in asked:
        stored = store.get(one)
        value = stored_score(stored) if isinstance(stored, Response) else None
        if value is None:
            raise UserError(
                f"{store.path}: the score stored for an answer cannot be read; move the file away "
                "and run again"
            )
        found.append(value)
    return found
