"""Money: what a call costs, and a limit that is never passed."""

import asyncio
from collections.abc import Mapping

from stages.lib.errors import UserError
from stages.lib.llm.messages import Priced, Response
from stages.lib.llm_params import Price

CHARACTERS_PER_TOKEN = 4.0
"""Holds for English prose with the usual tokenizers; used where nothing was measured."""


FRAME = 400
"""Endpoints put at most this many tokens around a conversation: roles, the answer's schema."""


class BudgetReachedError(Exception):
    """The next call might pass the limit."""


class BudgetError(UserError):
    """A run has stopped at its limit."""


class Purse:
    """What a run has spent, and may spend.

    Before a call its highest possible price is set aside, so that even with many calls under way
    the limit holds; afterwards what it really cost is booked.

    Args:
        price: of the model; None if unknown, and then nothing is counted.
        factor: on the price, for calls that come cheaper.
        limit: in the price's currency; None for no limit.

    """

    def __init__(self, price: Price | None, factor: float, limit: float | None) -> None:
        self.price = price
        self.limit = limit
        self.spent = 0.0
        self._factor = factor
        self._set_aside: list[float] = []
        self._changed = asyncio.Condition()

    async def reserve(self, call: Priced) -> float:
        """Sets the highest price of a call aside, when there is room for it.

        Raises:
            BudgetReachedError: there will be no room.

        """
        if self.limit is None:
            return 0.0
        most = self.most(call)
        async with self._changed:
            # a list, since a float that sums are added to and taken from never comes back to 0
            while self.spent + sum(self._set_aside) + most > self.limit:
                if not self._set_aside:
                    raise BudgetReachedError
                await self._changed.wait()
            self._set_aside.append(most)
        return most

    async def settle(self, reserved: float, response: Response | None) -> None:
        """Books what the call cost in the place of what was set aside."""
        if response is not None:
            self.spent += self.cost(response.prompt_tokens, response.completion_tokens)
        if self.limit is not None:
            async with self._changed:
                self._set_aside.remove(reserved)
                self._changed.notify_all()

    def most(self, call: Priced) -> float:
        """The highest price of a call: no tokenizer makes more tokens than bytes."""
        return self.cost(len(call.sent.encode()) + FRAME, call.max_tokens)

    def cost(self, prompt_tokens: float, completion_tokens: float) -> float:
        """Money for so many tokens; 0 if the price is unknown."""
        if self.price is None:
            return 0.0
        money = self.price.input * prompt_tokens + self.price.output * completion_tokens
        return self._factor * money / 1e6


def price_of(model: str, prices: Mapping[str, Price], budget: float | None) -> Price | None:
    """The model's entry in the price table; None if it has none and no budget needs it."""
    if model not in prices and budget is not None:
        raise UserError(
            f"prices.models: no entry for {model!r}, so that EMBEDSMITH_BUDGET cannot be kept; add "
            "its prices to params.yaml, or unset EMBEDSMITH_BUDGET"
        )
    return prices.get(model)
