"""The arithmetic of our rank profiles: first, second and global phases."""

import numpy as np

from tests.vespa.standin.runtime import Vector


def cosine(left: Vector, right: Vector) -> float:
    return float(left @ right / (np.linalg.norm(left) * np.linalg.norm(right)))


def agreement(left: Vector, right: Vector) -> float:
    """The share of equal bits less that of different ones."""
    different = int(np.unpackbits((left ^ right).view(np.uint8)).sum())
    return 1 - 2 * different / (8 * len(left))


def bit_cosine(query: Vector, stored: Vector) -> float:
    """The query's numbers against the signs that were kept."""
    signs = 2.0 * np.unpackbits(stored.view(np.uint8)) - 1
    return float(query @ signs / np.sqrt(len(signs)))


def two_phases(
    second: dict[str, float], first: dict[str, float], below: int, count: int
) -> dict[str, float]:
    best = sorted(second, key=lambda id: (-first[id], id))[:count]
    return {id: first[id] - below for id in second} | {id: second[id] for id in best}


def reciprocal_ranks(left: dict[str, float], right: dict[str, float]) -> dict[str, float]:
    """Reciprocal rank fusion of two scores by id; ties rank in the order of their ids here."""
    ranks = [sorted(each, key=each.__getitem__, reverse=True) for each in (left, right)]
    return {id: sum(1 / (61 + each.index(id)) for each in ranks) for id in left}


def weighted(
    left: dict[str, float], right: dict[str, float], share: float, rest: float
) -> dict[str, float]:
    """The weighted sum of two scores by id, each scaled to 0..1."""
    a, b = _linear(left), _linear(right)
    return {id: share * a[id] + rest * b[id] for id in left}


def _linear(scores: dict[str, float]) -> dict[str, float]:
    low, high = min(scores.values(), default=0.0), max(scores.values(), default=0.0)
    return {id: (score - low) / (high - low) if high > low else 0.5 for id, score in scores.items()}
