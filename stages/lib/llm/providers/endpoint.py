"""Any OpenAI-compatible endpoint, by OPENAI_BASE_URL and OPENAI_API_KEY."""

from collections.abc import Mapping
from typing import Any

from stages.lib.llm.environment import host
from stages.lib.llm.messages import Heard, Request, Response
from stages.lib.llm.providers.channel import Channel
from stages.lib.llm.providers.client import CHAT
from stages.lib.llm.providers.streaming import streamed_chat
from stages.lib.llm.providers.wire import Wire, response_of


class Endpoint:
    """Completes requests over HTTP.

    Args:
        timeout: seconds that a try may take.
        concurrency: calls at a time.
        heard: is told each answer while it comes in; None has answers sent whole.

    """

    paid = True

    def __init__(self, timeout: float, concurrency: int, heard: Heard | None = None) -> None:
        route = CHAT if heard is None else streamed_chat(heard)
        self._channel = Channel(route, "llm.model", timeout, concurrency)
        self._wire = Wire()

    async def complete(self, request: Request) -> Response:
        """One answer."""
        answer = await self._channel.call(_Body(self._wire, request), request.model)
        return response_of(answer, host())

    async def close(self) -> None:
        """Closes the connections."""
        await self._channel.close()


class _Body:
    """A request as the wire writes it for this endpoint."""

    def __init__(self, wire: Wire, request: Request) -> None:
        self._wire = wire
        self._request = request

    def body(self) -> dict[str, Any]:
        """The JSON to send."""
        return self._wire.body(self._request)

    def concede(self, sent: Mapping[str, Any], complaint: str) -> bool:
        """Leaves out, in all further calls, what the endpoint complains of."""
        return self._wire.concede(sent, complaint)
