"""The JSON of calls and answers, as OpenAI-compatible endpoints speak it."""

from collections.abc import Collection
from typing import Any

from stages.lib.llm.messages import Request, Response

FORMATS = ("response_format", "json_schema", "structured output", "guided", "grammar")


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

    @property
    def fields(self) -> set[str]:
        """The parts of a body that may be left out."""
        return {self._length, *({"response_format"} if self._structured else ())}

    def concede(self, sent: Collection[str], complaint: str) -> bool:
        """Leaves out what an endpoint complains of; False if it is nothing that can be left out.

        Args:
            sent: the parts of the body that it refused.
            complaint: its words.

        """
        complaint = complaint.lower()
        if "response_format" in sent and any(name in complaint for name in FORMATS):
            self._structured = False
            return True
        if "max_completion_tokens" in sent and "max_completion_tokens" in complaint:
            self._length = "max_tokens"
            return True
        return False


def response_of(answer: dict[str, Any], endpoint: str) -> Response:
    """What matters of a chat completion's JSON, which has a choice with a message."""
    choice = answer["choices"][0]
    message, usage = choice["message"], answer.get("usage")
    counts = usage if isinstance(usage, dict) else {}
    refusal = _text(message.get("refusal"))
    return Response(
        # servers that part thoughts from the answer may take all of it for a thought
        text=_text(message.get("content")) or _text(message.get("reasoning_content")),
        finish_reason=_text(choice.get("finish_reason")),
        refusal=refusal or None,
        model=_text(answer.get("model")),
        prompt_tokens=_count(counts.get("prompt_tokens")),
        completion_tokens=_count(counts.get("completion_tokens")),
        endpoint=endpoint,
    )


def _text(value: Any) -> str:
    """A text, or the parts of one that are meant to be read: reasoning is another type of part."""
    if isinstance(value, list):
        parts = [part.get("text") for part in value if isinstance(part, dict)]
        value = "".join(part for part in parts if isinstance(part, str))
    # an answer can be cut in the middle of an escaped character, and no file takes half of one
    return value.encode(errors="replace").decode() if isinstance(value, str) else ""


def _count(value: Any) -> int:
    return int(value) if isinstance(value, int | float) and 0 <= value < 1e12 else 0
