"""The base beside the trained model on a task: means, differences, and how sure they are."""

from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import stats

from stages.lib.core import seeds
from stages.lib.search.bootstrap import BLOCK, interval
from stages.lib.tasks.measures import SPEARMAN, Measured

FEWEST = 3
"""Graded pairs below which there is no correlation to speak of."""


def compared(base: Measured, trained: Measured, resamples: int, seed: int) -> dict[str, Any]:
    """A line a measure: n, both means, the difference and its 95% bootstrap interval.

    Args:
        base: of the model before training.
        trained: of the model after it, by the same rows.
        resamples: of the bootstrap.
        seed: of the resampling.

    """
    lines = {}
    for name, values in base.values.items():
        deltas = trained.values[name] - values
        low, high = interval(deltas, resamples, seed)
        lines[name] = _line(len(values), values.mean(), trained.values[name].mean(), low, high)
    if len(base.grades) >= FEWEST:
        found = [rank_correlation(one.cosines, base.grades) for one in (base, trained)]
        bounds = stats.bootstrap(
            (base.cosines, trained.cosines, base.grades),
            _difference,
            n_resamples=resamples,
            batch=BLOCK,
            paired=True,
            vectorized=True,
            method="percentile",
            rng=seeds.generator(seed, "bootstrap"),
        ).confidence_interval
        lines[SPEARMAN] = _line(
            len(base.grades), float(found[0]), float(found[1]), bounds.low, bounds.high
        )
    return lines


def _line(n: int, base: float, trained: float, low: float, high: float) -> dict[str, Any]:
    values = {"base": base, "trained": trained, "delta": trained - base, "low": low, "high": high}
    return {"n": n} | {name: round(float(value), 6) for name, value in values.items()}


def _difference(
    base: npt.NDArray[Any], trained: npt.NDArray[Any], grades: npt.NDArray[Any], axis: int = -1
) -> npt.NDArray[Any]:
    difference: npt.NDArray[Any] = rank_correlation(trained, grades, axis) - rank_correlation(
        base, grades, axis
    )
    return difference


def rank_correlation(
    one: npt.NDArray[Any], other: npt.NDArray[Any], axis: int = -1
) -> npt.NDArray[Any]:
    """Spearman's correlation along an axis; 0 where all values of a side are the same."""
    ranks = [stats.rankdata(side, axis=axis) for side in (one, other)]
    x, y = (side - side.mean(axis=axis, keepdims=True) for side in ranks)
    length = np.sqrt((x**2).sum(axis=axis) * (y**2).sum(axis=axis))
    found: npt.NDArray[Any] = np.divide(
        (x * y).sum(axis=axis), length, out=np.zeros_like(length), where=length > 0
    )
    return found
