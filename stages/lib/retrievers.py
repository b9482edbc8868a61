"""A model's retrievers over a corpus, from the files that the earlier stages left."""

from dataclasses import dataclass
from pathlib import Path

from stages.lib.core.collection import Corpus, Texts
from stages.lib.encoding.encoder import load_encoder, towers
from stages.lib.encoding.vectors import load_queries, load_vectors
from stages.lib.params import Params
from stages.lib.search.bm25 import Lexical
from stages.lib.search.engine import Dense, Fused, Known, Scorer


@dataclass(frozen=True, slots=True)
class Retrievers:
    """Dense and BM25, and their fusion at any weight."""

    dense: Dense
    lexical: Scorer

    def fused(self, dense_weight: float) -> Fused:
        """The fusion with this share of the dense z-score."""
        return Fused(self.dense, self.lexical, dense_weight)


def load_dense(corpus: Corpus, model: Path, vectors: Path, params: Params) -> Dense:
    """Exact search with a model's query encoder and its vectors of the corpus."""
    encoder = load_encoder(towers(model)[0], params.encoder)
    prefix = params.encoder.query_prefix
    if params.engine == "vespa":
        from stages.lib.vespa.search.scorers import VespaDense

        return VespaDense(list(corpus), load_vectors(vectors, corpus), encoder, prefix, vectors)
    return Dense(list(corpus), load_vectors(vectors, corpus), encoder, prefix)


def load_known(corpus: Corpus, vectors: Path, queries: Path) -> Known:
    """Exact search by documents.model, with its vectors of the corpus and of the known queries."""
    return Known(list(corpus), load_vectors(vectors, corpus), load_queries(queries))


def load_lexical(corpus: Corpus, params: Params) -> Scorer:
    """BM25 over title and text."""
    if params.engine == "vespa":
        from stages.lib.vespa.search.scorers import VespaLexical

        return VespaLexical(list(corpus))
    return Lexical(list(corpus), Texts(corpus), params.bm25)


def load_retrievers(corpus: Corpus, model: Path, vectors: Path, params: Params) -> Retrievers:
    """Both retrievers of a model."""
    return Retrievers(load_dense(corpus, model, vectors, params), load_lexical(corpus, params))
