"""How far an approximate search has to look: measured against the exact one, not guessed.

The graph was built from documents. Queries by an encoder that was tuned lie elsewhere than
documents do, so that the same walk through the graph finds fewer of their neighbours.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from stages.lib.core.collection import Queries
from stages.lib.search.engine import Engine
from stages.lib.vespa.operate.comparison import MEASURED, overlap


@dataclass(frozen=True, slots=True)
class Exploration:
    """What was measured: the recall by how many more neighbours are looked at, and the choice."""

    recall: dict[int, float]
    additional_hits: int

    @property
    def row(self) -> dict[str, Any]:
        """What the receipt says of it."""
        found = {str(number): round(value, 4) for number, value in self.recall.items()}
        return {"additional_hits": self.additional_hits, "by_additional_hits": found}


def explore(
    exact: Engine,
    approximate: Callable[[int], Engine],
    queries: Queries,
    numbers: Sequence[int],
    least: float,
) -> Exploration:
    """Takes the first number of additional neighbours that finds enough.

    Args:
        exact: compares with every vector.
        approximate: the engine that looks at so many neighbours beyond its targets.
        queries: what is asked.
        numbers: those to try, from the smallest; none is always measured, for comparison.
        least: the share of the nearest hundred that is enough.

    Returns:
        What was measured; the choice is the last number where none is enough.

    """
    nearest = exact.search(queries, MEASURED)
    recall: dict[int, float] = {}
    for number in sorted({0, *numbers}):
        recall[number] = overlap(nearest, approximate(number).search(queries, MEASURED))
        if number in numbers and recall[number] >= least:
            break
    return Exploration(recall, number)
