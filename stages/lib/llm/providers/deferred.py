"""The endpoint, made at the first call.

What is stored needs neither a key nor the second that the endpoint's client takes to import.
"""

from stages.lib.llm.messages import Provider, Request, Response


class Deferred:
    """Makes the endpoint when the first request comes.

    Args:
        timeout: seconds until a call that got no answer is tried again.

    """

    paid = True

    def __init__(self, timeout: float) -> None:
        self._timeout = timeout
        self._endpoint: Provider | None = None

    async def complete(self, request: Request) -> Response | None:
        """One answer."""
        if self._endpoint is None:
            from stages.lib.llm.providers.endpoint import Endpoint

            self._endpoint = Endpoint(self._timeout)
        return await self._endpoint.complete(request)

    async def close(self) -> None:
        """Closes the connections, if there are any."""
        if self._endpoint is not None:
            await self._endpoint.close()
