"""What the language model's answers cost, by what the stages counted."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from stages.lib.params import Params

ASKING = ("rules", "generate", "judge_dev", "expand", "answer")
COUNTS = ("responses", "prompt_tokens", "completion_tokens")


@dataclass(frozen=True, slots=True)
class Bill:
    """A stage's calls and tokens, and their price; None where the price table has none."""

    stage: str
    responses: int
    prompt_tokens: int
    completion_tokens: int
    money: float | None


def bills(stages: Mapping[str, Any], params: Params) -> list[Bill]:
    """A row for each stage that asked.

    Args:
        stages: what the stages measured, by name.
        params: for the prices; answers that a cache held are counted as if they were paid now.

    """
    price = params.prices.models.get(params.llm.model)
    factor = params.prices.batch_factor if params.llm.mode == "batch" else 1.0
    found = []
    for name in ASKING:
        parts = list(_counted(stages.get(name, {})))
        if not parts:
            continue
        responses, tokens_in, tokens_out = (sum(part[key] for part in parts) for key in COUNTS)
        money = None
        if price and params.llm.provider == "openai":
            money = factor * (price.input * tokens_in + price.output * tokens_out) / 1e6
        found.append(Bill(name, responses, tokens_in, tokens_out, money))
    return found


def in_money(rows: Sequence[Bill], provider: str) -> str:
    """What the answers of all stages cost, in a few words."""
    answers = sum(row.responses for row in rows)
    if not answers:
        return "none was asked"
    known = [row.money for row in rows if row.money is not None]
    if known:
        return f"{sum(known):,.2f} for {answers:,} answers, at the prices of params.yaml"
    return f"{answers:,} answers, nothing charged ({provider or 'no price is known'})"


def _counted(metrics: Any) -> Iterator[dict[str, int]]:
    """The parts of a stage's metrics that count answers."""
    if not isinstance(metrics, dict):
        return
    if all(isinstance(metrics.get(key), int) for key in COUNTS):
        yield metrics
        return
    for part in metrics.values():
        yield from _counted(part)
