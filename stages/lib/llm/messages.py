"""What goes to a language model and what comes back."""

import hashlib
import json
from dataclasses import asdict, dataclass, replace
from typing import Any, Protocol, Self

Message = dict[str, str]


@dataclass(frozen=True, slots=True)
class Request:
    """One call, with everything that can change the answer.

    `schema` names the answer's form, `subject` what it is about (a doc_id, a query_id), and
    `attempt` counts how often it was asked before.
    """

    schema: str
    subject: str
    messages: tuple[Message, ...]
    json_schema: dict[str, Any]
    model: str
    temperature: float
    max_tokens: int
    attempt: int = 0

    @property
    def key(self) -> str:
        """The sha256 of the whole request: the name under which its response is stored."""
        text = json.dumps(asdict(self), sort_keys=True, ensure_ascii=False)
        return hashlib.sha256(text.encode()).hexdigest()

    def again(self) -> Self:
        """The next attempt."""
        return replace(self, attempt=self.attempt + 1)


@dataclass(frozen=True, slots=True)
class Response:
    """A raw answer, as it was paid for."""

    text: str
    finish_reason: str
    refusal: str | None
    prompt_tokens: int
    completion_tokens: int


class Provider(Protocol):
    """Something that answers requests."""

    async def complete(self, request: Request) -> Response | None:
        """The answer; None where this provider can never have one."""
        ...
