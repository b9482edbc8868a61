"""Leases: who changes an application at the moment, so that nobody else does.

A lease travels in the manifest of what is deployed. It ends at a time, so that a machine which is
gone keeps nobody out for ever, and its owner renews it while it works.
"""

import os
import platform
import re
import secrets
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Annotated

from pydantic import Field

from stages.lib.core.files import is_running


@dataclass(frozen=True, slots=True)
class Lease:
    """Who changes an application, and until when.

    `command` is what was typed, `host` and `pid` where it runs, `id` chosen by chance for this one
    run; `until` is in seconds since 1970, by the owner's clock.
    """

    command: Annotated[str, Field(pattern=r"^[a-z]+$")]
    host: Annotated[str, Field(pattern=r"^[a-zA-Z0-9_.-]+$", max_length=253)]
    pid: Annotated[int, Field(ge=1)]
    id: Annotated[str, Field(pattern=r"^[0-9a-f]{16}$")]
    until: Annotated[int, Field(ge=0, lt=2**40)]

    def renewed(self, until: float) -> "Lease":
        """The same until later."""
        return replace(self, until=int(until))

    def ended(self, now: float) -> bool:
        """Whether it keeps nobody out: it has expired, or its process on this host is over."""
        gone = self.pid == os.getpid() or not is_running(self.pid)
        return now >= self.until or (self.host == _host() and gone)

    def __str__(self) -> str:
        end = datetime.fromtimestamp(self.until, UTC)
        return f"make {self.command} (process {self.pid} on {self.host}, until {end:%H:%M:%S} UTC)"


def new_lease(command: str, until: float) -> Lease:
    """A lease of this process."""
    return Lease(command, _host(), os.getpid(), secrets.token_hex(8), int(until))


def _host() -> str:
    return re.sub(r"[^a-zA-Z0-9_.-]", "_", platform.node())[:253] or "localhost"
