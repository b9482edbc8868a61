"""A model's retrievers over a corpus, from the files that the earlier stages left."""

from dataclasses import dataclass
from pathlib import Path

from stages.lib.core.collection import Corpus, Texts
from stages.lib.encoding.encoder import dimension, load_encoder, towers
from stages.lib.encoding.store import VectorStore
from stages.lib.encoding.vectors import encoder_hash, load_queries, load_vectors
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


def load_dense(
    corpus: Corpus, model: Path, vectors: Path, params: Params, queries: Path | None = None
) -> Dense:
    """Exact search with a model's query encoder and its vectors of the corpus.

    Args:
        corpus: the documents.
        model: its folder.
        vectors: folder of the documents' vectors.
        params: the encoder's, and where is searched.
        queries: folder of queries' vectors that an earlier run left, and this one will.

    """
    folder = towers(model)[0]
    encoder = load_encoder(folder, params.encoder)
    prefix = params.encoder.query_prefix
    store = VectorStore(queries, encoder_hash(folder), dimension(encoder)) if queries else None
    if params.engine == "vespa":
        from stages.lib.vespa.search.scorers import VespaDense

        found = load_vectors(vectors, corpus)
        return VespaDense(list(corpus), found, encoder, prefix, vectors, store)
    return Dense(list(corpus), load_vectors(vectors, corpus), encoder, prefix, store)


def load_known(corpus: Corpus, vectors: Path, queries: Path) -> Known:
    """Exact search by documents.model, with its vectors of the corpus and of the known queries."""
    return Known(list(corpus), load_vectors(vectors, corpus), load_queries(queries))


def load_lexical(corpus: Corpus, params: Params) -> Scorer:
    """BM25 over title and text."""
    if params.engine == "vespa":
        from stages.lib.vespa.search.scorers import VespaLexical

        return VespaLexical(list(corpus))
    return Lexical(list(corpus), Texts(corpus), params.bm25)


def load_retrievers(
    corpus: Corpus, model: Path, vectors: Path, params: Params, queries: Path | None = None
) -> Retrievers:
    """Both retrievers of a model; for the arguments see `load_dense`."""
    dense = load_dense(corpus, model, vectors, params, queries)
    return Retrievers(dense, load_lexical(corpus, params))
