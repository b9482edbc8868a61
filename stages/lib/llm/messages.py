"""What goes to a language model and what comes back."""

import functools
import hashlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Protocol, Self

import orjson

WARMER = 0.3
"""What the temperature of a last attempt is higher by, as far as 1."""


class Keyed(Protocol):
    """What is stored beside its answer."""

    @property
    def key(self) -> str:
        """The name that its answer is stored under, a hash of all that decides it."""
        ...

    @property
    def subject(self) -> str:
        """What it is about, which is no part of the key."""
        ...

    @property
    def stamp(self) -> dict[str, str | int]:
        """What is stored of it."""
        ...


class Priced(Protocol):
    """What decides the highest price of a call."""

    @property
    def sent(self) -> str:
        """All the text that goes out."""
        ...

    @property
    def max_tokens(self) -> int:
        """Tokens that may come back."""
        ...


@dataclass(frozen=True)
class Request:
    """One call, with everything that can change its answer.

    `schema` names the answer's form, `subject` what it is about (a doc_id, a query_id) and
    `attempt` counts the earlier tries. The subject is not part of the key: a document that was
    renamed or stands twice in the corpus is not paid for again.
    """

    schema: str
    subject: str
    system: str
    user: str
    json_schema: dict[str, Any]
    model: str
    temperature: float | None
    max_tokens: int
    attempt: int = 0

    @property
    def messages(self) -> list[dict[str, str]]:
        """The conversation as endpoints want it."""
        return [
            {"role": "system", "content": self.system},
            {"role": "user", "content": self.user},
        ]

    @functools.cached_property
    def key(self) -> str:
        """The sha256 of the request's canonical JSON: the name its response is stored under."""
        whole = {
            "attempt": self.attempt,
            "json_schema": self.json_schema,
            "max_tokens": self.max_tokens,
            "messages": self.messages,
            "model": self.model,
            "schema": self.schema,
            "temperature": self.temperature,
        }
        return hashlib.sha256(orjson.dumps(whole, option=orjson.OPT_SORT_KEYS)).hexdigest()

    @property
    def sent(self) -> str:
        """All the text that goes out."""
        return self.system + self.user

    @property
    def characters(self) -> int:
        """The length of the conversation."""
        return len(self.sent)

    @property
    def stamp(self) -> dict[str, str | int]:
        """What is stored of the request beside its response."""
        return {
            "key": self.key,
            "subject": self.subject,
            "schema": self.schema,
            "model": self.model,
            "attempt": self.attempt,
            "prompt_characters": self.characters,
        }

    def again(self, complaint: str) -> Self:
        """The next attempt: the fault of the first answer is told, and the third is warmer."""
        if self.attempt == 0:
            return replace(self, attempt=1, system=f"{self.system}\n\n{complaint}\n")
        warmer = self.temperature
        if warmer is not None:
            warmer = min(max(1.0, warmer), round(warmer + WARMER, 2))
        return replace(self, attempt=self.attempt + 1, temperature=warmer)


@dataclass(frozen=True, slots=True)
class Response:
    """A raw answer, as it was paid for."""

    text: str
    finish_reason: str
    refusal: str | None
    model: str
    prompt_tokens: int
    completion_tokens: int
    endpoint: str = ""
    """The host that answered, since others may have another model of this name; "" if unknown."""


@dataclass(frozen=True, slots=True)
class Rejection:
    """An endpoint's word that it will never answer a request, kept in the place of a response."""

    words: str


class CallFailedError(Exception):
    """One call got no answer, though others may; the text says why."""


class CallRejectedError(CallFailedError):
    """The endpoint will never answer this call (too long, against its policy).

    Args:
        words: the endpoint's own.
        sure: whether they say so; if not, the endpoint may refuse every call like that.

    """

    def __init__(self, words: str, sure: bool) -> None:
        super().__init__(words)
        self.words = words
        self.sure = sure


class PendingError(Exception):
    """The answer will come, but not in this run."""


Heard = Callable[[str], None]
"""Is told an answer's text so far while it comes in; a call that is tried again begins anew."""


class Provider(Protocol):
    """Something that answers requests."""

    paid: bool
    """Whether answers cost money and vary, so that they are stored and may be asked again."""

    async def complete(self, request: Request) -> Response | None:
        """The answer; None where this provider can never have one.

        Raises:
            CallFailedError: no answer to this call.
            PendingError: not yet.
            UserError: no call will be answered.

        """
        ...

    async def close(self) -> None:
        """Ends what `complete` began."""
        ...
