"""The systems that an evaluation compares."""

from collections.abc import Mapping

from stages.lib.core.collection import Queries
from stages.lib.search.engine import Embedded, Engine, Fused, Run, Scorer


class Matching:
    """An engine without the documents that it scores 0: BM25 does not retrieve those."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def search(self, queries: Queries, depth: int) -> Run:
        """The best `depth` documents of each query that share a word with it."""
        return {
            query_id: {doc_id: score for doc_id, score in ranking.items() if score > 0}
            for query_id, ranking in self._engine.search(queries, depth).items()
        }


def systems(
    lexical: Scorer, dense: Mapping[str, Scorer], weights: Mapping[str, float]
) -> dict[str, Engine]:
    """BM25, each model alone by its name, and each fused with BM25 as NAME+bm25.

    `weights` has the share of each model's scores in its fusion.
    """
    fused = {
        f"{name}+bm25": Fused(scorer, lexical, weights[name]) for name, scorer in dense.items()
    }
    return {
        "bm25": Matching(Embedded(lexical)),
        **{name: Embedded(scorer) for name, scorer in dense.items()},
        **{name: Embedded(scorer) for name, scorer in fused.items()},
    }
