"""The client of the environment's endpoint, and a single call by it."""

import asyncio
import json
import os
import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl

import openai

from stages.lib.errors import UserError
from stages.lib.llm.environment import where
from stages.lib.llm.providers.verdict import completes, told


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


@dataclass(frozen=True, slots=True)
class Route:
    """One of an endpoint's services.

    Args:
        create: the client's method for it.
        answers: whether JSON of status 200 is an answer of it.

    """

    create: Callable[[openai.AsyncOpenAI], Callable[..., Any]]
    answers: Callable[[Any], bool]


def _embeds(body: Any) -> bool:
    rows = body.get("data") if isinstance(body, dict) else None
    first = rows[0] if isinstance(rows, list) and rows else None
    return isinstance(first, dict) and isinstance(first.get("embedding"), list | str)


CHAT = Route(lambda api: api.chat.completions.with_raw_response.create, completes)
EMBEDDINGS = Route(lambda api: api.embeddings.with_raw_response.create, _embeds)


async def post(
    api: openai.AsyncOpenAI, route: Route, body: dict[str, Any], timeout: float
) -> tuple[int, Any, Mapping[str, str]]:
    """Status, body and headers of a reply; status 0 and a reason where none came in time."""
    began = time.monotonic()
    try:
        # the transport's own limit begins anew with each byte
        async with asyncio.timeout(timeout):
            # as plain JSON: checking every field of it costs more than the call itself
            reply = await route.create(api)(**body)
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
