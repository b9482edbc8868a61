"""What the environment says about talking to a model; none of it changes an output."""

import os
from pathlib import Path
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from stages.lib.errors import UserError

PREFIX = "EMBEDSMITH_"


class Environment(BaseModel):
    """The variables whose names begin with EMBEDSMITH_."""

    model_config = ConfigDict(frozen=True)

    home: Path
    """Folder of the journal of responses and open batches."""
    concurrency: Annotated[int, Field(ge=1, le=1024)] = 16
    """Calls at a time."""
    timeout: Annotated[float, Field(gt=0)] = 120.0
    """Seconds until a call that got no answer is tried again."""
    budget: Annotated[float, Field(gt=0)] | None = None
    """Money, in the price table's currency, that one run of a stage may spend."""
    batch_wait: Annotated[float, Field(ge=0)] = 0.0
    """Seconds that a stage waits for its batches before it stops and leaves them to a later run."""

    @field_validator("home")
    @classmethod
    def expanded(cls, home: Path) -> Path:
        """The folder, where a quoted `~` is the user's home too."""
        try:
            return home.expanduser()
        except RuntimeError as error:
            raise ValueError("no such user") from error

    @property
    def journal(self) -> Path:
        """The database of every response ever received."""
        return self.home / "responses.db"

    @classmethod
    def read(cls) -> Self:
        """The process's environment.

        Raises:
            UserError: a variable is ill-typed or out of range.

        """
        values: dict[str, str | Path] = {"home": _cache() / "embedsmith"}
        for name in cls.model_fields:
            value = os.environ.get(PREFIX + name.upper())
            if value:
                values[name] = value
        try:
            return cls.model_validate(values)
        except ValidationError as error:
            fault = error.errors()[0]
            name = PREFIX + str(fault["loc"][0]).upper()
            raise UserError(f"{name}: {fault['msg']}, got {fault['input']!r}") from error


def where() -> str:
    """The endpoint as the environment names it, without credentials or a query."""
    url = os.environ.get("OPENAI_BASE_URL") or "OpenAI"
    return url.partition("?")[0].partition("#")[0].rsplit("@", 1)[-1].strip()


def host() -> str:
    """The host of the endpoint, and its port where the address has one."""
    address = where().rpartition("//")[2].partition("/")[0].lower()
    return "api.openai.com" if address == "openai" else address


def _cache() -> Path:
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
