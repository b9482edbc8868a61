"""Any OpenAI-compatible endpoint, by OPENAI_BASE_URL and OPENAI_API_KEY."""

import os
from typing import Any

import openai

from stages.lib.errors import UserError
from stages.lib.llm.messages import Request, Response

RETRIES = 6
TIMEOUT = 120.0  # seconds


class Endpoint:
    """Completes requests; the client retries lost connections, 429 (honouring Retry-After), 5xx."""

    def __init__(self) -> None:
        if not os.environ.get("OPENAI_API_KEY"):
            raise UserError(
                "OPENAI_API_KEY is not set; set it (any text for a local endpoint, with its "
                "address in OPENAI_BASE_URL), or set llm.provider to extractive in params.yaml"
            )
        self._client: openai.AsyncOpenAI | None = None
        self._where = os.environ.get("OPENAI_BASE_URL", "the endpoint")

    async def complete(self, request: Request) -> Response:
        """One answer, schema-constrained."""
        if self._client is None:
            # made here because it belongs to the running event loop
            self._client = openai.AsyncOpenAI(max_retries=RETRIES, timeout=TIMEOUT)
        messages: Any = list(request.messages)
        try:
            completion = await self._client.chat.completions.create(
                model=request.model,
                messages=messages,
                temperature=request.temperature,
                max_completion_tokens=request.max_tokens,
                response_format={
                    "type": "json_schema",
                    "json_schema": {
                        "name": request.schema,
                        "strict": True,
                        "schema": request.json_schema,
                    },
                },
            )
            choice = completion.choices[0]
        except openai.APIStatusError as error:
            raise UserError(_status_fault(error, request.model, self._where)) from error
        except openai.APIConnectionError as error:
            raise UserError(
                f"{self._where} cannot be reached; check OPENAI_BASE_URL and the network; "
                "responses received so far are kept, and another run goes on from them"
            ) from error
        except (openai.OpenAIError, AttributeError, IndexError, TypeError, ValueError) as error:
            raise UserError(
                f"{self._where} does not answer as an OpenAI-compatible endpoint does; check "
                "OPENAI_BASE_URL (it usually ends in /v1)"
            ) from error
        usage = completion.usage
        return Response(
            text=choice.message.content or "",
            finish_reason=choice.finish_reason or "",
            refusal=choice.message.refusal,
            prompt_tokens=usage.prompt_tokens if usage else 0,
            completion_tokens=usage.completion_tokens if usage else 0,
        )


def _status_fault(error: openai.APIStatusError, model: str, where: str) -> str:
    if isinstance(error, openai.AuthenticationError | openai.PermissionDeniedError):
        return f"{where} refuses the key ({error.status_code}); check OPENAI_API_KEY"
    if isinstance(error, openai.NotFoundError):
        return f"{where} knows no model {model!r} (404); check llm.model in params.yaml"
    return (
        f"{where} answered {error.status_code} and went on doing so; responses received so far "
        "are kept, and another run goes on from them"
    )
