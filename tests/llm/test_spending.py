import asyncio
from dataclasses import replace

import pytest

from stages.lib.llm.messages import Response
from stages.lib.llm.spending import BudgetReachedError, Purse
from stages.lib.llm_params import Price
from tests.llm.storage.test_store import request


def test_whoever_waits_for_room_that_never_comes_is_told() -> None:
    async def spend() -> None:
        purse = Purse(Price(input=0.1, output=0.1), factor=1.0, limit=0.0)
        question = request()
        # three reservations whose float sum does not come back to 0 when they are taken away
        purse.limit = 3.5 * purse.most(question)
        held = [await purse.reserve(question) for _ in range(3)]
        waiting = asyncio.create_task(purse.reserve(question))
        await asyncio.sleep(0)
        for each in held:
            purse.spent += each
            await purse.settle(each, None)
        with pytest.raises(BudgetReachedError):
            await asyncio.wait_for(waiting, 1)

    asyncio.run(spend())


def test_room_that_is_given_back_is_used() -> None:
    async def spend() -> float:
        purse = Purse(Price(input=0.1, output=0.1), factor=1.0, limit=0.0)
        purse.limit = 1.5 * purse.most(request())
        first = await purse.reserve(request())
        waiting = asyncio.create_task(purse.reserve(request()))
        await asyncio.sleep(0)
        await purse.settle(first, Response("{}", "stop", None, "m", 1, 1))
        await asyncio.wait_for(waiting, 1)
        return purse.spent

    assert asyncio.run(spend()) == pytest.approx(0.2 / 1e6)


def test_what_is_set_aside_covers_the_dearest_call() -> None:
    question = request()
    purse = Purse(Price(input=0.1, output=0.2), factor=1.0, limit=1.0)
    # a token has a byte at least, and an answer max_tokens at most
    prompt = len((question.system + question.user).encode())
    assert purse.most(question) >= purse.cost(prompt, question.max_tokens)
    longer = replace(question, user=question.user + 1000 * "é")
    assert purse.most(longer) - purse.most(question) == pytest.approx(purse.cost(2000, 0))
