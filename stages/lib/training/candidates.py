"""What may ship: the base, its enriched documents, and mixtures on the way to what was trained.

Nothing ships worse than it was: the base competes with all that came of it. Mixtures of weights
forget less of where training started (LM-Cocktail, arXiv 2311.13534).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import torch

from stages.lib.search.crossfit import Asked
from stages.lib.training.students import DOCUMENTS, Student, Weights

BASE = "base"
DISTILLED = "distilled"
ENRICHED = "enriched"
MIXTURE = "mixture"
TRAINED = "trained"


@dataclass(frozen=True, slots=True)
class Candidate:
    """A state of the student that may ship.

    Args:
        name: in metrics and the report.
        kind: `base`, `enriched`, `mixture` or `trained`.
        states: gives its weights, with documents mixed with queries beside those that trained, for
            each such set of queries.
        mixes: whether its documents are mixed with queries at all.

    """

    name: str
    kind: str
    states: Callable[[Sequence[Asked]], list[Weights]]
    mixes: bool = False

    @property
    def learnt(self) -> bool:
        """Whether it has learnt from the teacher, and so needs less of BM25 beside it."""
        return self.kind in (MIXTURE, TRAINED)


def candidates(
    student: Student,
    base: Weights,
    trained: Weights | None,
    shares: Sequence[float],
    name: str = BASE,
) -> list[Candidate]:
    """All that may ship, from the base to the end of training; all but the base enriched.

    Documents are enriched last: training that starts from enriched vectors learns less.

    Args:
        student: enriches; it is left with other weights.
        base: the weights that training started from.
        trained: where it ended; None where nothing was trained.
        shares: of the way between them, for the mixtures.
        name: of the base; it is DISTILLED where another model encodes the documents.

    """
    mixes = DOCUMENTS in base

    def add(name: str, kind: str, weights: Callable[[], Weights]) -> None:
        def states(further: Sequence[Asked]) -> list[Weights]:
            return student.enrich(weights(), further)

        found.append(Candidate(name, kind, states, mixes))

    found = [Candidate(name, BASE, lambda further: [base] * len(further))]
    if mixes:
        add(ENRICHED, ENRICHED, lambda: base)
    if trained is not None:
        for share in sorted({*shares} - {1.0}):
            way = partial(interpolate, base, trained, share)
            add(f"{share:g} of the way", MIXTURE, way)
        add(TRAINED, TRAINED, lambda: trained)
    return found


def interpolate(start: Weights, end: Weights, share: float) -> Weights:
    """`share` of the end's weights and the rest of the start's."""
    return {
        name: torch.lerp(weight, end[name], share) if weight.is_floating_point() else weight
        for name, weight in start.items()
    }
