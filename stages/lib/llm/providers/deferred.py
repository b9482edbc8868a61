"""The endpoint, made at the first call.

What is stored needs neither a key nor the second that the endpoint's client takes to import.
"""

from stages.lib.llm.messages import Heard, Provider, Request, Response


class Deferred:
    """Makes the endpoint when the first request comes.

    Args:
        timeout: seconds that a try may take.
        concurrency: calls at a time.
        heard: is told each answer while it comes in.

    """

    paid = True

    def __init__(self, timeout: float, concurrency: int, heard: Heard | None = None) -> None:
        self._timeout = timeout
        self._concurrency = concurrency
        self._heard = heard
        self._endpoint: Provider | None = None

    async def complete(self, request: Request) -> Response | None:
        """One answer."""
        if self._endpoint is None:
            from stages.lib.llm.providers.endpoint import Endpoint

            self._endpoint = Endpoint(self._timeout, self._concurrency, self._heard)
        return await self._endpoint.complete(request)

    async def close(self) -> None:
        """Closes the connections, if there are any."""
        if self._endpoint is not None:
            await self._endpoint.close()
