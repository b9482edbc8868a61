"""Re-indexing: the container embeds its documents anew, some of them between two looks at it."""

from tests.vespa.standin.container import Container

STEP = 50  # documents between two looks


class Reindexing:
    """One run over the documents that were there when it began."""

    def __init__(self, container: Container, lag: int) -> None:
        self.state = "pending"
        self._container = container
        self._looks = lag  # until it begins
        self._rest = sorted(container.documents)

    @property
    def done(self) -> bool:
        return self.state == "successful"

    def advance(self, converged: bool) -> None:
        """What happens between two looks, once the deployment that starts it has converged."""
        if self.done:
            return
        self._looks -= 1
        self.state = "running"
        if self._looks < 0 and converged:
            self._container.reindex(self._rest[:STEP])
            self._rest = self._rest[STEP:]
            if not self._rest:
                self.state = "successful"
