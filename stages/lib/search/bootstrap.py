"""How sure a mean over queries is: its bootstrap interval."""

import numpy as np
import numpy.typing as npt
from scipy import stats

from stages.lib.core import seeds

Deltas = npt.NDArray[np.float64]
"""The difference of two systems by query."""

BLOCK = 1000
"""Resamples that are held in memory at a time."""


def interval(deltas: Deltas, resamples: int, seed: int) -> tuple[float, float]:
    """The 95% percentile bootstrap interval of a mean over queries; of one query, that one."""
    if len(deltas) == 1:
        return float(deltas[0]), float(deltas[0])
    bounds = stats.bootstrap(
        (deltas,),
        np.mean,
        n_resamples=resamples,
        batch=BLOCK,
        method="percentile",
        rng=seeds.generator(seed, "bootstrap"),
    ).confidence_interval
    return float(bounds.low), float(bounds.high)
