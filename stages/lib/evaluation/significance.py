"""Tests whether a system is better than another, or luck with the queries makes it look so."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
from scipy import stats

from stages.lib.core import seeds
from stages.lib.search.bootstrap import BLOCK, Deltas, interval
from stages.lib.search.metrics import PerQuery


@dataclass(frozen=True, slots=True)
class Comparison:
    """A system's mean difference from a baseline over the same queries.

    `low` and `high` bound it at 95% (percentile bootstrap over queries); `p` is two-sided, by
    paired randomisation (Smucker et al., CIKM 2007); `p_holm` accounts for the comparisons made
    beside it.
    """

    difference: float
    low: float
    high: float
    p: float
    p_holm: float
    better: int
    worse: int
    n: int

    def as_dict(self) -> dict[str, Any]:
        """The fields, rounded so that the last bits of the arithmetic do not show."""
        return {
            key: round(value, 6) if isinstance(value, float) else value
            for key, value in asdict(self).items()
        }


def compare(
    systems: Mapping[str, PerQuery], baseline: Mapping[str, str], resamples: int, seed: int
) -> dict[str, Comparison]:
    """Compares each system named in `baseline` with the system that it is measured against.

    Args:
        systems: a measure's value by query_id, by system.
        baseline: the baseline's name by system.
        resamples: of the test and of the bootstrap.
        seed: of the resampling.

    Raises:
        ValueError: two systems were not measured on the same queries.

    """
    comparisons: dict[str, Comparison] = {}
    for system, base in baseline.items():
        if systems[system].keys() != systems[base].keys():
            raise ValueError(f"{system} and {base} were measured on different queries")
        deltas = np.array(
            [systems[system][query] - systems[base][query] for query in systems[base]]
        )
        low, high = interval(deltas, resamples, seed)
        comparisons[system] = Comparison(
            difference=float(deltas.mean()),
            low=low,
            high=high,
            p=randomisation(deltas, resamples, seed),
            p_holm=1.0,
            better=int((deltas > 0).sum()),
            worse=int((deltas < 0).sum()),
            n=len(deltas),
        )
    adjusted = holm([comparison.p for comparison in comparisons.values()])
    return {
        system: replace(comparison, p_holm=p)
        for (system, comparison), p in zip(comparisons.items(), adjusted, strict=True)
    }


def randomisation(deltas: Deltas, resamples: int, seed: int) -> float:
    """The two-sided p of a mean difference, by flipping the sign of each query's difference.

    At least 1 / (resamples + 1), since the observed assignment is one of those possible.
    """
    random = seeds.generator(seed, "randomisation")

    def flipped(size: tuple[int, int]) -> Deltas:
        return deltas * (2 * random.integers(0, 2, size, dtype=np.int8) - 1)

    # scipy's permutation_test means the same and takes ten times as long: it shuffles pairs
    test = stats.monte_carlo_test(
        deltas, flipped, _size, n_resamples=resamples, batch=BLOCK, alternative="greater"
    )
    return float(test.pvalue)


def _size(deltas: Deltas, axis: int = -1) -> Deltas:
    """How far a mean difference is from none, whichever its sign."""
    size: Deltas = np.abs(deltas.mean(axis=axis))
    return size


def holm(p: list[float]) -> list[float]:
    """Holm's step-down adjustment of several p values (Scandinavian J. of Statistics, 1979)."""
    adjusted = [1.0] * len(p)
    highest = 0.0
    for rank, index in enumerate(sorted(range(len(p)), key=p.__getitem__)):
        highest = max(highest, min(1.0, p[index] * (len(p) - rank)))
        adjusted[index] = highest
    return adjusted
