"""Calls to an OpenAI-compatible endpoint, at its pace, tried again where that helps."""

import asyncio
import sys
import time
from collections.abc import Mapping
from typing import Any, Protocol

from tqdm import tqdm

from stages.lib.errors import UserError
from stages.lib.llm.environment import where
from stages.lib.llm.messages import CallFailedError, CallRejectedError
from stages.lib.llm.providers.client import Route, client, post
from stages.lib.llm.providers.pace import Pace
from stages.lib.llm.providers.verdict import (
    KEYS_AND_MONEY,
    NO_SUCH,
    About,
    Verdict,
    verdict,
)

RETRIES = 6
"""Tries of a call after a fault that passes: half a minute of waiting."""
BACKOFF = 0.5, 8.0
"""Seconds before the second try, twice that before each next, and the longest."""
TIMEOUTS = 2
"""Tries of a call that take their whole time, after which the endpoint is held to be gone."""
PATIENCE = 600.0
"""Seconds in which a rate limit lets nothing through, after which the stage stops."""
TELL = 20.0
"""Seconds between two notes that calls wait."""
SPACING = 0.002
"""Seconds between the openings of connections. A small server queues five at a time; a sixth would
wait for a second or more."""


class Body(Protocol):
    """The body of a call, which can do without some of its parts."""

    def body(self) -> dict[str, Any]:
        """The JSON to send."""
        ...

    def concede(self, sent: Mapping[str, Any], complaint: str) -> bool:
        """Leaves out what an endpoint complains of; False if it is nothing that can be left out."""
        ...


class Channel:
    """Calls one of an endpoint's services.

    The first call goes alone: it finds out whether key and model are right, and what the endpoint
    takes, before others follow. A call under way whose task is cancelled ends before the task does,
    since its answer is paid for.

    Args:
        route: the service.
        key: the parameter that names the model, for errors.
        timeout: seconds that a try may take.
        concurrency: calls at a time.

    """

    def __init__(self, route: Route, key: str, timeout: float, concurrency: int) -> None:
        self._client = client(timeout)
        self._route = route
        self._key = key
        self._timeout = timeout
        self._pace = Pace(concurrency)
        self._first = asyncio.Lock()
        self._proven = False
        self._hopeless: UserError | None = None
        self._opening = asyncio.Lock()
        self._connections = self._busy = 0
        self._told = 0.0

    async def call(self, body: Body, model: str) -> Any:
        """The JSON of an answer.

        Raises:
            CallFailedError: no answer to this call.
            CallRejectedError: there will never be one.
            UserError: no call will be answered.

        """
        if not self._proven:
            async with self._first:
                if self._hopeless:
                    raise self._hopeless
                if not self._proven:
                    return await self._try(body, model)
        return await self._call(body, model)

    async def close(self) -> None:
        """Closes the connections."""
        await self._client.close()

    async def _try(self, body: Body, model: str) -> Any:
        try:
            answer = await self._call(body, model)
        except CallRejectedError as error:
            self._proven = error.sure
            raise
        except CallFailedError as error:
            self._hopeless = UserError(f"{error}; check OPENAI_BASE_URL and the network")
            raise self._hopeless from error
        except UserError as error:
            self._hopeless = error
            raise
        self._proven = True
        return answer

    async def _call(self, body: Body, model: str) -> Any:
        """An answer, after as many tries as a fault that passes deserves."""
        wait, longest = BACKOFF
        tries = timeouts = 0
        while True:
            sent = body.body()
            began = await self._pace.turn()
            try:
                status, answer, headers = await self._post(sent)
                fault = _fault(status, answer, self._route)
                if fault is None:
                    self._pace.answered(began, headers)
                    return answer
            finally:
                await self._pace.over()
            if _cancelled():
                raise asyncio.CancelledError
            if fault.status and body.concede(sent, fault.words):
                continue
            if fault.about is About.LIMIT:
                self._wait_for_limit(began, fault, headers)
                continue
            if fault.about is not About.CALL:
                raise problem(fault, model, self._key)
            tries += 1
            timeouts += fault.words.startswith("no answer")
            if tries > RETRIES or timeouts >= TIMEOUTS:
                raise problem(fault, model, self._key)
            self._tell(f"{_words(fault)}; tried again")
            await asyncio.sleep(min(longest, wait * 2 ** (tries - 1)))

    def _wait_for_limit(self, began: float, fault: Verdict, headers: Mapping[str, str]) -> None:
        pause = self._pace.refused(began, headers, fault.words)
        silent = time.monotonic() - self._pace.last_through
        if silent > PATIENCE:
            raise UserError(
                f"{where()} has let no call through for {silent / 60:.0f} minutes: {fault.words}; "
                "run again once its limit allows"
            )
        self._tell(f"rate limit ({fault.words}); next call in {pause:.0f} s")

    def _tell(self, note: str) -> None:
        now = time.monotonic()
        if not self._told or now - self._told > TELL:
            self._told = now
            between = self._pace.between
            pace = f", at {60 / between:.0f} calls a minute" if between else ""
            tqdm.write(f"{note}{pace}", file=sys.stderr)

    async def _post(self, sent: dict[str, Any]) -> tuple[int, Any, Mapping[str, str]]:
        self._busy += 1
        try:
            if self._busy > self._connections:
                async with self._opening:
                    await asyncio.sleep(SPACING)
                    self._connections += 1
            call = asyncio.ensure_future(post(self._client, self._route, sent, self._timeout))
            try:
                return await asyncio.shield(call)
            except asyncio.CancelledError:
                return await call
        finally:
            self._busy -= 1


SETTINGS = {
    "temperature": "llm.temperature (null for models that take none)",
    "max_tokens": "llm.max_tokens",
    "max_completion_tokens": "llm.max_tokens",
}
"""What decides a part of the call."""


def problem(fault: Verdict, model: str, key: str) -> CallFailedError | UserError:
    """The error that a fault is raised as."""
    if fault.about is About.QUESTION:
        return CallRejectedError(fault.words, fault.sure)
    if fault.about is not About.ENDPOINT:
        return CallFailedError(_words(fault))
    if fault.words == "a web page":
        return not_compatible()
    advice = "check OPENAI_API_KEY, and what it may use and spend"
    says = f"refuses the key ({fault.status})" if fault.status == 401 else "refuses all calls"
    named = "model" in fault.words.lower() and fault.status not in KEYS_AND_MONEY | {429}
    if fault.field and fault.field != "model":
        setting = SETTINGS.get(fault.field, key)
        says, advice = f"refuses {fault.field} in all calls", f"change {setting} in params.yaml"
    elif fault.status in NO_SUCH or named:
        says = f"knows no model {model!r} ({fault.status})"
        advice = f"check {key} in params.yaml and OPENAI_BASE_URL, which usually ends in /v1"
    return UserError(f"{where()} {says}: {fault.words}; {advice}")


def _fault(status: int, answer: Any, route: Route) -> Verdict | None:
    return verdict(status, answer, route.answers) if status else Verdict(About.CALL, str(answer), 0)


def _words(fault: Verdict) -> str:
    if fault.status:
        return f"{where()} answers {fault.status}: {fault.words}"
    return f"{where()} {'gives ' * fault.words.startswith('no answer')}{fault.words}"


def _cancelled() -> bool:
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0


def not_compatible() -> UserError:
    """The endpoint speaks something else."""
    return UserError(
        f"{where()} does not answer as an OpenAI-compatible endpoint does; check OPENAI_BASE_URL, "
        "which usually ends in /v1"
    )
