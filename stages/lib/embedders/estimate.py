"""What an endpoint's vectors would cost."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from stages.lib.embedders.endpoint import Text
from stages.lib.encoder_params import EmbedderModel
from stages.lib.llm.environment import Environment
from stages.lib.llm.spending import CHARACTERS_PER_TOKEN, Purse
from stages.lib.llm.storage.store import Store
from stages.lib.llm_params import Price


@dataclass(frozen=True, slots=True)
class Estimate:
    """Texts that an endpoint has yet to encode.

    Args:
        model: the endpoint's name of it.
        texts: how many.
        tokens: of all of them, at the usual length of a token.
        money: by the price table; None where it has no price for the model.

    """

    model: str
    texts: int
    tokens: float
    money: float | None


def estimate(
    model: EmbedderModel, prefix: str, texts: Iterable[str], store: Path, price: Price | None
) -> Estimate:
    """What it costs to encode those of the texts that are not stored.

    Args:
        model: its section of params.yaml.
        prefix: that goes before each text.
        texts: to encode.
        store: the stage's output.
        price: of the model.

    """
    stored = Store(store, Environment.read().journal)
    asked = {Text(prefix + text, model.model, model.dimensions) for text in texts}
    missing = [text for text in asked if stored.get(text) is None]
    tokens = sum(len(text.text) for text in missing) / CHARACTERS_PER_TOKEN
    money = Purse(price, 1.0, None).cost(tokens, 0) if price else None
    return Estimate(model.model, len(missing), tokens, money)
