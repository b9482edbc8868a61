"""The arithmetic of our rank profiles: first, second and global phases."""

import re

from stages.lib.params import Bm25
from stages.lib.search.linguistics import TAGS
from tests.vespa.standin.package import Package
from tests.vespa.standin.runtime import Rejected


def bm25(package: Package, rank: str) -> Bm25:
    """BM25's parameters of a rank profile, or of the one that it inherits them from."""
    body = package.ranks[rank]
    parent = re.match(r"rank-profile \w+ inherits (\w+)", body)
    k1, b = (re.search(rf"bm25\(contents\)\.{name}: (\S+)", body) for name in ("k1", "b"))
    if k1 is None or b is None:
        if parent is None:
            raise Rejected(f"rank profile '{rank}' sets no parameters of BM25")
        return bm25(package, parent[1])
    tag = re.search(r'"(\w+)" \| set_language', package.schema)[1]  # type: ignore[index]
    language = next(each for each in TAGS if TAGS[each] == tag)
    return Bm25(k1=float(k1[1]), b=float(b[1]), language=language)


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
