"""Any OpenAI-compatible endpoint, by OPENAI_BASE_URL and OPENAI_API_KEY."""

import asyncio
import contextlib
import os
from collections.abc import Iterator
from typing import Any

import openai

from stages.lib.errors import UserError
from stages.lib.llm.messages import CallFailedError, CallRejectedError, Request, Response

RETRIES = 6
"""Retries of a call after a lost connection, 429 or 5xx: half a minute without a Retry-After."""

SPACING = 0.002
"""Seconds between the openings of connections. A small server queues five at a time; a sixth would
wait for a second or more."""


def client(timeout: float) -> openai.AsyncOpenAI:
    """The client of the environment's endpoint.

    It retries lost connections, 429 and 5xx, waits as Retry-After says, and else longer each time.
    """
    if not os.environ.get("OPENAI_API_KEY"):
        raise UserError(
            "OPENAI_API_KEY is not set; set it (to any text for a local endpoint without keys, its "
            "address in OPENAI_BASE_URL), or set llm.provider in params.yaml to extractive"
        )
    # the default transport's time goes up with the square of the calls at a time
    transport = openai.DefaultAioHttpClient(timeout=timeout)
    return openai.AsyncOpenAI(max_retries=RETRIES, timeout=timeout, http_client=transport)


class Wire:
    """Makes the body of calls, without what an endpoint refuses."""

    def __init__(self) -> None:
        self._structured = True
        self._length = "max_completion_tokens"

    def body(self, request: Request) -> dict[str, Any]:
        """The JSON to send; prompts name the answer's form too, so that it can go without."""
        body = {
            "model": request.model,
            "messages": request.messages,
            self._length: request.max_tokens,
        }
        if request.temperature is not None:
            body["temperature"] = request.temperature
        if self._structured:
            schema = {"name": request.schema, "strict": True, "schema": request.json_schema}
            body["response_format"] = {"type": "json_schema", "json_schema": schema}
        return body

    def concede(self, body: dict[str, Any], complaint: str) -> bool:
        """Leaves out what an endpoint complains of; False if it is nothing that can be left out."""
        complaint = complaint.lower()
        formats = ("response_format", "json_schema", "structured output", "guided")
        if "response_format" in body and any(name in complaint for name in formats):
            self._structured = False
            return True
        if "max_completion_tokens" in body and "max_completion_tokens" in complaint:
            self._length = "max_tokens"
            return True
        return False


class Endpoint:
    """Completes requests over HTTP.

    The first call goes alone: it finds out whether key and model are right, and what the endpoint
    takes, before others follow.
    """

    paid = True

    def __init__(self, timeout: float) -> None:
        self._client = client(timeout)
        self._wire = Wire()
        self._first = asyncio.Lock()
        self._proven = False
        self._hopeless: UserError | None = None
        self._opening = asyncio.Lock()
        self._connections = self._busy = 0

    async def complete(self, request: Request) -> Response:
        """One answer."""
        if not self._proven:
            async with self._first:
                if self._hopeless:
                    raise self._hopeless
                if not self._proven:
                    return await self._try(request)
        self._busy += 1
        try:
            if self._busy > self._connections:
                async with self._opening:
                    await asyncio.sleep(SPACING)
                    self._connections += 1
            return await self._call(request)
        finally:
            self._busy -= 1

    async def _try(self, request: Request) -> Response:
        try:
            response = await self._call(request)
        except CallFailedError as error:
            self._hopeless = UserError(f"{error}; check OPENAI_BASE_URL and the network")
            raise self._hopeless from error
        except UserError as error:
            self._hopeless = error
            raise
        self._proven = True
        return response

    async def close(self) -> None:
        """Closes the connections."""
        await self._client.close()

    async def _call(self, request: Request) -> Response:
        body = self._wire.body(request)
        try:
            with explained(request.model):
                # as plain JSON: checking every field of it costs more than the call itself
                answer = await self._client.post("/chat/completions", cast_to=object, body=body)
        except openai.BadRequestError as error:
            if self._wire.concede(body, str(error)):
                return await self._call(request)
            if self._proven:
                raise CallRejectedError(said(error)) from error
            raise UserError(f"{where()} refuses the call: {said(error)}") from error
        return response_of(answer)


@contextlib.contextmanager
def explained(model: str) -> Iterator[None]:
    """Turns the client's errors into ours, but for 400, which depends on what was sent."""
    try:
        yield
    except openai.BadRequestError:
        raise
    except (openai.AuthenticationError, openai.PermissionDeniedError) as error:
        raise UserError(
            f"{where()} refuses the key ({error.status_code}); check OPENAI_API_KEY"
        ) from error
    except openai.NotFoundError as error:
        raise UserError(
            f"{where()} knows no model {model!r} (404); check llm.model in params.yaml and "
            "OPENAI_BASE_URL, which usually ends in /v1"
        ) from error
    except openai.APIStatusError as error:
        raise CallFailedError(f"{where()} answers {error.status_code}") from error
    except openai.APIConnectionError as error:
        raise CallFailedError(f"{where()} cannot be reached") from error
    except (openai.OpenAIError, ValueError) as error:
        raise not_compatible() from error


def where() -> str:
    """The endpoint as the environment names it, without credentials."""
    url = os.environ.get("OPENAI_BASE_URL") or "OpenAI"
    return url.rsplit("@", 1)[-1]


def response_of(answer: Any) -> Response:
    """What matters of a chat completion's JSON.

    Raises:
        UserError: it is none, such as a web page.

    """
    try:
        choice = answer["choices"][0]
        message, usage = choice["message"], answer.get("usage") or {}
        return Response(
            text=_whole(message.get("content") or ""),
            finish_reason=choice.get("finish_reason") or "",
            refusal=message.get("refusal") and _whole(message["refusal"]),
            model=answer.get("model") or "",
            prompt_tokens=usage.get("prompt_tokens") or 0,
            completion_tokens=usage.get("completion_tokens") or 0,
        )
    except (AttributeError, IndexError, KeyError, TypeError) as error:
        raise not_compatible() from error


def _whole(text: str) -> str:
    # an answer can be cut in the middle of an escaped character, and no file takes half of one
    return text.encode(errors="replace").decode()


def not_compatible() -> UserError:
    """The endpoint speaks something else."""
    return UserError(
        f"{where()} does not answer as an OpenAI-compatible endpoint does; check OPENAI_BASE_URL, "
        "which usually ends in /v1"
    )


def said(error: openai.APIStatusError) -> str:
    """What the endpoint says about its error, in one line."""
    body = error.body if isinstance(error.body, dict) else {}
    return " ".join(str(body.get("message") or error.status_code).split())[:300]
