"""Randomness that comes from the data.

Every random choice is drawn from a hash of the seed and the ids that it is about, so that adding
a document does not reshuffle the choices made for the others.
"""

from collections.abc import Iterable

import numpy as np

from stages.lib.core.hashes import text_hash


def digest(seed: int, *ids: str) -> int:
    """A 64-bit number that depends on nothing but the seed and the ids."""
    return int(text_hash(str(seed), *ids, digits=16), 16)


def generator(seed: int, *ids: str) -> np.random.Generator:
    """A random generator of its own for these ids."""
    return np.random.default_rng(digest(seed, *ids))


def share(seed: int, *ids: str) -> float:
    """A number in [0, 1) that stays the same for these ids."""
    return digest(seed, *ids) / 2**64


def shuffled(seed: int, ids: Iterable[str], *scope: str) -> list[str]:
    """The ids in random order; a further id does not change the order of the others."""
    return sorted(ids, key=lambda name: (digest(seed, *scope, name), name))
