"""A model behind an endpoint whose `/completions` gives log-probabilities of the prompt."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

import openai
from tqdm import tqdm

from stages.lib.errors import UserError
from stages.lib.llm.environment import Environment, host
from stages.lib.llm.messages import CallFailedError, CallRejectedError
from stages.lib.llm.providers.channel import Channel
from stages.lib.llm.providers.client import Route
from stages.lib.llm.spending import BudgetError, BudgetReachedError, Purse, price_of
from stages.lib.llm.storage.store import Store
from stages.lib.llm_params import Price
from stages.lib.scoring.wording import Asked, Score

KEY = "scoring.model"


def _completes(body: Any) -> bool:
    choices = body.get("choices") if isinstance(body, dict) else None
    first = choices[0] if isinstance(choices, list) and choices else None
    return isinstance(first, dict) and "logprobs" in first


COMPLETIONS = Route(lambda api: _create(api), _completes)


def _create(api: openai.AsyncOpenAI) -> Any:
    return api.completions.with_raw_response.create


class Call:
    """A prompt to be said back with its log-probabilities."""

    def __init__(self, asked: Asked, form: "Form") -> None:
        self._asked = asked
        self._form = form

    @property
    def sent(self) -> str:
        """All the text that goes out."""
        return self._asked.before + self._asked.answer

    @property
    def max_tokens(self) -> int:
        """Tokens that may come back."""
        return self._form.max_tokens

    def body(self) -> dict[str, Any]:
        """The JSON to send."""
        return {
            "model": self._asked.model,
            "prompt": self.sent,
            "echo": True,
            "logprobs": 1,
            "max_tokens": self._form.max_tokens,
            "temperature": 0,
        }

    def concede(self, sent: Mapping[str, Any], complaint: str) -> bool:
        """Has a token written, in all further calls, where 0 is complained of."""
        if "max_tokens" not in complaint or sent["max_tokens"]:
            return False
        self._form.max_tokens = 1
        return True


class Form:
    """How many tokens an endpoint has to write at least."""

    max_tokens = 0


def ask(asked: Sequence[Asked], store: Store, prices: Mapping[str, Price]) -> None:
    """Has the endpoint of OPENAI_BASE_URL score answers, and stores each score as it comes.

    Raises:
        UserError: an endpoint that gives no log-probabilities, or no answer.

    """
    if asked:
        asyncio.run(_ask(asked, store, prices))


async def _ask(asked: Sequence[Asked], store: Store, prices: Mapping[str, Price]) -> None:
    environment = Environment.read()
    price = price_of(asked[0].model, prices, environment.budget)
    purse = Purse(price, 1.0, environment.budget)
    channel = Channel(COMPLETIONS, KEY, environment.timeout, environment.concurrency)
    calls, form = iter(asked), Form()
    with tqdm(total=len(asked), desc="score by the endpoint", unit="answer") as progress:

        async def worker() -> None:
            for one in calls:
                await _one(one, Call(one, form), channel, purse, store)
                progress.update()

        try:
            async with asyncio.TaskGroup() as group:
                for _ in range(environment.concurrency):
                    group.create_task(worker())
        except ExceptionGroup as errors:
            left = f"{progress.n} of {len(asked)} answers are scored and kept, run again to go on"
            error = errors.exceptions[0]
            if isinstance(error, BudgetReachedError):
                raise BudgetError(
                    f"EMBEDSMITH_BUDGET of {environment.budget:g} is reached; {left}"
                ) from errors
            if isinstance(error, CallRejectedError):
                raise UserError(f"{asked[0].model} refuses a text: {error}; {left}") from errors
            if isinstance(error, CallFailedError):
                raise UserError(f"{error}; {left}") from errors
            raise error from errors
        finally:
            await channel.close()


async def _one(asked: Asked, call: Call, channel: Channel, purse: Purse, store: Store) -> None:
    reserved, paid = await purse.reserve(call), None
    try:
        answer = await channel.call(call, asked.model)
        score = read_score(asked, answer["choices"][0]["logprobs"])
        usage = answer.get("usage")
        counted = usage.get("prompt_tokens") if isinstance(usage, dict) else None
        paid = score.response(asked.model, counted if isinstance(counted, int) else 0, host())
        store.put(asked, paid)
    finally:
        await purse.settle(reserved, paid)


def read_score(asked: Asked, logprobs: Any) -> Score:
    """The score in an endpoint's `logprobs` of a prompt that it said back.

    A token that begins before the answer and ends in it counts as its; what the endpoint wrote
    after the prompt does not.

    Raises:
        UserError: there are no log-probabilities of the prompt.

    """
    try:
        values, starts = logprobs["token_logprobs"], logprobs["text_offset"]
        # some servers count a mark of the beginning as text
        shift = max(0, "".join(logprobs["tokens"]).find(asked.before + asked.answer))
        begin = shift + len(asked.before)
        end = begin + len(asked.answer)
        ends = [*starts[1:], max(end, starts[-1] + 1)]
        counted = [
            float(value)
            for value, start, stop in zip(values, starts, ends, strict=True)
            # the first token of all has no probability
            if stop > begin and start < end and value is not None
        ]
        if not counted:
            raise ValueError
    except (TypeError, KeyError, ValueError, IndexError) as error:
        raise UserError(
            f"{KEY}: {asked.model}: the endpoint gives no log-probabilities of the prompt (echo "
            "with logprobs of /completions); use one that does, such as vLLM, or provider: local"
        ) from error
    return Score(sum(counted), len(counted))
