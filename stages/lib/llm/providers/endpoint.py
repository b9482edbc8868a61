"""Any OpenAI-compatible endpoint, by OPENAI_BASE_URL and OPENAI_API_KEY."""

import asyncio
import json
import os
import re
import sys
import time
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl

import openai
from tqdm import tqdm

from stages.lib.errors import UserError
from stages.lib.llm.environment import host, where
from stages.lib.llm.messages import CallFailedError, CallRejectedError, Request, Response
from stages.lib.llm.providers.pace import Pace
from stages.lib.llm.providers.verdict import (
    KEYS_AND_MONEY,
    NO_SUCH,
    About,
    Verdict,
    told,
    verdict,
)
from stages.lib.llm.providers.wire import Wire, response_of

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


def client(timeout: float, retries: int = 0) -> openai.AsyncOpenAI:
    """The client of the environment's endpoint."""
    key = (os.environ.get("OPENAI_API_KEY") or "").strip()
    if not key:
        raise UserError(
            "OPENAI_API_KEY is not set; set it (to any text for a local endpoint without keys, its "
            "address in OPENAI_BASE_URL), or set llm.provider in params.yaml to extractive"
        )
    if not (key.isascii() and key.isprintable()):
        raise UserError(
            "OPENAI_API_KEY holds a line break or another character that no key has; set it again"
        )
    # the client would put the path behind the query
    base, _, query = (os.environ.get("OPENAI_BASE_URL") or "").strip().partition("?")
    if base and not re.match(r"https?://[^/\s]+(/\S*)?$", base):
        raise UserError(f"OPENAI_BASE_URL is no address of a server ({where()}); mend it")
    if "@" in base.partition("//")[2].partition("/")[0]:
        raise UserError(
            "OPENAI_BASE_URL holds a name or password, which cannot go beside OPENAI_API_KEY; take "
            "it out"
        )
    return openai.AsyncOpenAI(
        api_key=key,
        base_url=base or None,
        default_query=dict(parse_qsl(query)),
        max_retries=retries,
        timeout=timeout,
        # the default transport's time goes up with the square of the calls at a time
        http_client=openai.DefaultAioHttpClient(timeout=timeout),
    )


class Endpoint:
    """Completes requests over HTTP, at the pace that the endpoint allows.

    The first call goes alone: it finds out whether key and model are right, and what the endpoint
    takes, before others follow. A call under way whose task is cancelled ends before the task does,
    since its answer is paid for.

    Args:
        timeout: seconds that a try may take.
        concurrency: calls at a time.

    """

    paid = True

    def __init__(self, timeout: float, concurrency: int) -> None:
        self._client = client(timeout)
        self._timeout = timeout
        self._wire = Wire()
        self._pace = Pace(concurrency)
        self._first = asyncio.Lock()
        self._proven = False
        self._hopeless: UserError | None = None
        self._opening = asyncio.Lock()
        self._connections = self._busy = 0
        self._told = 0.0

    async def complete(self, request: Request) -> Response:
        """One answer."""
        if not self._proven:
            async with self._first:
                if self._hopeless:
                    raise self._hopeless
                if not self._proven:
                    return await self._try(request)
        return await self._call(request)

    async def close(self) -> None:
        """Closes the connections."""
        await self._client.close()

    async def _try(self, request: Request) -> Response:
        try:
            response = await self._call(request)
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
        return response

    async def _call(self, request: Request) -> Response:
        """An answer, after as many tries as a fault that passes deserves."""
        wait, longest = BACKOFF
        tries = timeouts = 0
        while True:
            body = self._wire.body(request)
            began = await self._pace.turn()
            try:
                status, answer, headers = await self._post(body)
                fault = _fault(status, answer)
                if fault is None:
                    self._pace.answered(began, headers)
                    return response_of(answer, host())
            finally:
                await self._pace.over()
            if _cancelled():
                raise asyncio.CancelledError
            if fault.status and self._wire.concede(body, fault.words):
                continue
            if fault.about is About.LIMIT:
                self._wait_for_limit(began, fault, headers)
                continue
            if fault.about is not About.CALL:
                raise problem(fault, request.model)
            tries += 1
            timeouts += fault.words.startswith("no answer")
            if tries > RETRIES or timeouts >= TIMEOUTS:
                raise problem(fault, request.model)
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

    async def _post(self, body: dict[str, Any]) -> tuple[int, Any, Mapping[str, str]]:
        self._busy += 1
        try:
            if self._busy > self._connections:
                async with self._opening:
                    await asyncio.sleep(SPACING)
                    self._connections += 1
            call = asyncio.ensure_future(post(self._client, body, self._timeout))
            try:
                return await asyncio.shield(call)
            except asyncio.CancelledError:
                return await call
        finally:
            self._busy -= 1


async def post(
    api: openai.AsyncOpenAI, body: dict[str, Any], timeout: float
) -> tuple[int, Any, Mapping[str, str]]:
    """Status, body and headers of a reply; status 0 and a reason where none came in time."""
    began = time.monotonic()
    try:
        # the transport's own limit begins anew with each byte
        async with asyncio.timeout(timeout):
            # as plain JSON: checking every field of it costs more than the call itself
            reply = await api.chat.completions.with_raw_response.create(**body)
    except openai.APIStatusError as error:
        refusal = error.response
        return refusal.status_code, parsed(refusal.content), refusal.headers
    except TimeoutError:
        return 0, f"no answer within {timeout:g} s", {}
    except openai.APIConnectionError as error:  # a refused connection, too, is called a timeout
        if time.monotonic() - began >= 0.9 * timeout:
            return 0, f"no answer within {timeout:g} s", {}
        return 0, told(f"cannot be reached ({error.__cause__ or error})"), {}
    except (openai.OpenAIError, ValueError) as error:
        return 0, told(f"cannot be asked ({error})"), {}
    return reply.status_code, parsed(reply.content), reply.headers


def parsed(content: bytes) -> Any:
    """The JSON of a reply, or its text where it is none."""
    try:
        # the faster reader refuses half of an escaped character, which answers cut short end in
        return json.loads(content)
    except (ValueError, RecursionError):
        return content.decode(errors="replace")


SETTINGS = {
    "temperature": "llm.temperature (null for models that take none)",
    "max_tokens": "llm.max_tokens",
    "max_completion_tokens": "llm.max_tokens",
}
"""What decides a part of the call."""


def problem(fault: Verdict, model: str) -> CallFailedError | UserError:
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
        setting = SETTINGS.get(fault.field, "llm.model")
        says, advice = f"refuses {fault.field} in all calls", f"change {setting} in params.yaml"
    elif fault.status in NO_SUCH or named:
        says = f"knows no model {model!r} ({fault.status})"
        advice = "check llm.model in params.yaml and OPENAI_BASE_URL, which usually ends in /v1"
    return UserError(f"{where()} {says}: {fault.words}; {advice}")


def _fault(status: int, answer: Any) -> Verdict | None:
    return verdict(status, answer) if status else Verdict(About.CALL, str(answer), 0)


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
