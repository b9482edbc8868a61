"""The contest of a training: every state of the student that might ship, judged on dev."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from stages.lib.search.engine import Dense
from stages.lib.training.students import Student, Weights


@dataclass(frozen=True, slots=True)
class State:
    """A student as it was at a step, or mixed from such; `dev` is what it reaches on dev."""

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
        evaluate: what a student is worth on dev, by its dense search.

    """

    def __init__(self, student: Student, evaluate: Callable[[Dense], float]) -> None:
        self._student = student
        self._evaluate = evaluate
        self.base = student.weights()
        self.tuned: tuple[State, Weights] | None = None
        self.states = [State("step 0", 0, evaluate(student.dense()))]

    def enter(self, name: str, step: int) -> None:
        """Judges the student as it is; the best but for the base is kept as `tuned`."""
        state = State(name, step, self._evaluate(self._student.dense()))
        self.states.append(state)
        if self.tuned is None or state.dev > self.tuned[0].dev:
            self.tuned = state, self._student.weights()

    @property
    def winner(self) -> tuple[State, Weights]:
        """The best state with its weights; the earlier of equals, so that the base wins ties."""
        start = self.states[0]
        if self.tuned is None or self.tuned[0].dev <= start.dev:
            return start, self.base
        return self.tuned
