"""A config server's sessions: created, prepared, and activated unless another one was meanwhile."""

from typing import Any

from tests.vespa.standin.change import check_change
from tests.vespa.standin.package import Package


class Stale(Exception):  # noqa: N818 - what has happened, not what went wrong
    """Another session was activated since this one was created."""


class Sessions:
    """All sessions; `active` are the packages that were activated, in order."""

    def __init__(self) -> None:
        self.active: list[Package] = []
        self.generation = 0
        self._created: dict[int, tuple[Package, int]] = {}

    def create(self, package: Package) -> int:
        """The number of a new session, which remembers the generation that is active now."""
        session = max([self.generation, *self._created]) + 1
        self._created[session] = (package, self.generation)
        return session

    def prepare(self, session: int) -> list[dict[str, Any]]:
        """The actions that the change demands."""
        package, _ = self._created[session]
        return check_change(self.active[-1], package) if self.active else []

    def activate(self, session: int) -> tuple[Package, list[dict[str, Any]]]:
        """Makes a session the active one, if what was active when it was created still is."""
        package, before = self._created[session]
        if (before and self.generation > before) or session < self.generation:
            raise Stale(
                f"Cannot activate session {session} because the currently active session "
                f"({self.generation}) has changed since session {session} was created (was "
                f"{before} at creation time)"
            )
        actions = self.prepare(session)
        self.active.append(package)
        self.generation = session
        return package, actions
