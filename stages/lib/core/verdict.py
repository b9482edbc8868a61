"""A gate's verdict: whether something may serve, and why not."""

from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether a variant, or the model as a whole, may serve, and why not."""

    passed: bool
    reason: str

    @property
    def row(self) -> dict[str, Any]:
        """The verdict as a row of a metrics file."""
        return asdict(self)
