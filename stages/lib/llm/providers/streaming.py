"""A chat completion that is heard while it comes in, by server-sent events."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import openai

from stages.lib.llm.messages import Heard
from stages.lib.llm.providers.client import CHAT, Route


@dataclass(frozen=True, slots=True)
class Whole:
    """What came in, in the form of a reply that was sent whole."""

    content: bytes
    status_code: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)


def streamed_chat(heard: Heard) -> Route:
    """The service that answers chats, whose answers are told to `heard` as they grow.

    An endpoint that refuses to stream, or to count the tokens of a stream, answers whole instead.
    """

    def create(api: openai.AsyncOpenAI) -> Callable[..., Any]:
        async def call(**body: Any) -> Any:
            body |= {"stream": True, "stream_options": {"include_usage": True}}
            try:
                events = await api.chat.completions.create(**body)
            except openai.APIStatusError as error:
                if "stream" not in str(error):
                    raise
                for name in ("stream", "stream_options"):
                    del body[name]
                return await CHAT.create(api)(**body)
            try:
                return await _gathered(events, heard)
            except openai.OpenAIError:
                raise
            except Exception as error:  # the transport's own, for a stream that broke off
                raise openai.APIConnectionError(request=events.response.request) from error

        return call

    return Route(create, CHAT.answers)


async def _gathered(events: Any, heard: Heard) -> Whole:
    """The events of one answer as a whole reply."""
    said = refused = ""
    finish, model, usage = None, "", None
    async for event in events:
        model = event.model or model
        usage = event.usage.model_dump() if event.usage else usage
        for choice in event.choices[:1]:
            refused += choice.delta.refusal or ""
            finish = choice.finish_reason or finish
            if choice.delta.content:
                said += choice.delta.content
                heard(said)
    message = {"role": "assistant", "content": said, "refusal": refused or None}
    choices = [{"index": 0, "finish_reason": finish, "message": message}]
    return Whole(json.dumps({"model": model, "choices": choices, "usage": usage}).encode())
