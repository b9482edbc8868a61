"""The systems that an evaluation compares."""

from collections.abc import Mapping
from pathlib import Path

from stages.lib.collection import Corpus, Queries
from stages.lib.params import Params
from stages.lib.retrievers import load_dense, load_lexical
from stages.lib.search import Embedded, Engine, Fused, Run


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
    corpus: Corpus, models: Mapping[str, tuple[Path, Path]], params: Params
) -> dict[str, Engine]:
    """BM25, each model alone, and each model fused with BM25 as NAME+bm25.

    Args:
        corpus: the documents.
        models: a model's folder and the folder of its vectors of the corpus, by name.
        params: of BM25, the encoder and the fusion.

    """
    lexical = load_lexical(corpus, params)
    dense = {name: load_dense(corpus, *folders, params) for name, folders in models.items()}
    fused = {
        f"{name}+bm25": Fused(each, lexical, params.fusion.dense_weight)
        for name, each in dense.items()
    }
    scorers = dense | fused
    return {"bm25": Matching(Embedded(lexical))} | {
        name: Embedded(scorer) for name, scorer in scorers.items()
    }
