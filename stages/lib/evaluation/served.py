"""The system that is served: the packaged variant, its vectors as stored, the default profile."""

from collections.abc import Callable, Mapping
from pathlib import Path

from stages.lib.export.gate import next_best, read_verdicts
from stages.lib.package_params import Package
from stages.lib.search.engine import Dense, Embedded, Engine, Fused, ReciprocalRanks, Scorer
from stages.lib.search.vector_types import Typed, stored_type

SERVED = "served"
"""The name of the system."""

RIVALS = ("bm25", "base", "base+bm25")
"""What a search team has without tuning; the best of them is what the served system is up to."""


def packaged(export: Path, params: Package) -> str:
    """The variant that the package takes, by the verdicts in the export's metrics."""
    passed = {name: verdict.passed for name, verdict in read_verdicts(export).items()}
    return next_best(params.variant, passed)


def served_engine(dense: Dense, lexical: Scorer, weight: float, params: Package) -> Engine:
    """What answers a query that names no profile.

    Args:
        dense: the packaged variant's search.
        lexical: BM25.
        weight: of the dense scores in the fusion.
        params: how vectors are stored, and the default profile.

    """
    stored = Typed(dense, stored_type(dense.vectors.shape[1], params))
    return PROFILES[params.profile](stored, lexical, weight, params)


PROFILES: Mapping[str, Callable[[Scorer, Scorer, float, Package], Engine]] = {
    "semantic": lambda dense, _lexical, _weight, _params: Embedded(dense),
    "hybrid": lambda dense, lexical, weight, _params: Embedded(Fused(dense, lexical, weight)),
    "rrf": lambda dense, lexical, _weight, params: ReciprocalRanks(dense, lexical, params.targets),
}
"""The profiles of application-package/schemas, by the names that package.profile gives."""


def best_rival(headline: Mapping[str, float]) -> str:
    """The rival with the highest mean; the earlier of equals."""
    return max(
        (name for name in RIVALS if name in headline),
        key=lambda name: (headline[name], -RIVALS.index(name)),
    )
