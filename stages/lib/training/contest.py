"""The candidates of a training, of which the best on dev ships."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from stages.lib.training.students import Student, Weights


@dataclass(frozen=True, slots=True)
class Candidate:
    """A state of the student that might ship, with what it reaches on dev."""

    name: str
    step: int
    dev: float

    @property
    def row(self) -> dict[str, Any]:
        """The point of the training curve."""
        return {"name": self.name, "step": self.step, "dev": round(self.dev, 6)}


class Contest:
    """Judges states of a student on dev, and keeps the weights of the base and of the best.

    Args:
        student: at the base's weights, which compete as step 0.
        evaluate: what the student is worth on dev, as it is.

    """

    def __init__(self, student: Student, evaluate: Callable[[], float]) -> None:
        self._student = student
        self._evaluate = evaluate
        self.base = student.weights()
        self.tuned: tuple[Candidate, Weights] | None = None
        self.candidates = [Candidate("step 0", 0, evaluate())]

    def enter(self, name: str, step: int) -> None:
        """The student as it is competes."""
        candidate = Candidate(name, step, self._evaluate())
        self.candidates.append(candidate)
        if self.tuned is None or candidate.dev > self.tuned[0].dev:
            self.tuned = candidate, self._student.weights()

    @property
    def winner(self) -> tuple[Candidate, Weights]:
        """The best with its weights; the earlier of equals, so that step 0 wins ties."""
        start = self.candidates[0]
        if self.tuned is None or self.tuned[0].dev <= start.dev:
            return start, self.base
        return self.tuned
