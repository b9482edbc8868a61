"""What may ship: the base, its enriched documents, and mixtures on the way to what was trained.

Nothing ships worse than it was: the base competes with all that came of it. Mixtures of weights
forget less of where training started (LM-Cocktail, arXiv 2311.13534).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch

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
        weights: gives its weights.

    """

    name: str
    kind: str
    weights: Callable[[], Weights]

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
    found = [Candidate(name, BASE, lambda: base)]
    if DOCUMENTS in base:
        found.append(Candidate(ENRICHED, ENRICHED, lambda: student.enrich(base)))
    if trained is not None:
        for share in sorted({*shares, 1.0}):
            found.append(_mixture(student, base, trained, share))
    return found


def _mixture(student: Student, base: Weights, trained: Weights, share: float) -> Candidate:
    if share == 1:
        return Candidate(TRAINED, TRAINED, lambda: student.enrich(trained))
    name = f"{share:g} of the way"
    return Candidate(name, MIXTURE, lambda: student.enrich(interpolate(base, trained, share)))


def interpolate(start: Weights, end: Weights, share: float) -> Weights:
    """`share` of the end's weights and the rest of the start's."""
    return {
        name: torch.lerp(weight, end[name], share) if weight.is_floating_point() else weight
        for name, weight in start.items()
    }
