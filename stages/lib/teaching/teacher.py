"""The teacher: a better ranker than the student, that needs no judgements.

The cosines of the whole document and of its best sentence are fused with BM25, and each document's
score is mixed with those of its nearest documents: closely associated documents tend to be relevant
to the same requests (the cluster hypothesis, van Rijsbergen 1979).
"""

from collections.abc import Mapping, Sequence

from stages.lib.core.collection import Split
from stages.lib.encoding.encoder import Vectors
from stages.lib.params import Mine
from stages.lib.search.engine import Fused, Run, Scorer, zscores
from stages.lib.search.neighbours import Neighbours
from stages.lib.search.weights import beats, by_query


def fusion_teacher(
    dense: Scorer,
    sentences: Scorer | None,
    lexical: Scorer,
    dense_weight: float,
    neighbours: "Neighbours | None",
    params: Mine,
) -> Scorer:
    """The teacher of a collection.

    Args:
        dense: whole documents.
        sentences: the best sentence of each, where sentences were encoded.
        lexical: BM25.
        dense_weight: share of the dense scores beside BM25.
        neighbours: of the documents, where scores are smoothed.
        params: shares of the sentences and of the neighbours.

    """
    if sentences is not None and params.sentence_share:
        dense = Fused(dense, sentences, 1 - params.sentence_share)
    ranked = Fused(dense, lexical, dense_weight)
    return Smoothed(ranked, neighbours, params.smoothing) if neighbours else ranked


class Smoothed:
    """A scorer whose scores are mixed with those of the neighbours.

    Args:
        scorer: the scorer to smooth.
        neighbours: of the same documents.
        amount: the neighbours' share.

    """

    def __init__(self, scorer: Scorer, neighbours: Neighbours, amount: float) -> None:
        self.doc_ids = scorer.doc_ids
        self._scorer = scorer
        self._neighbours = neighbours
        self._amount = amount

    def scores(self, texts: Sequence[str]) -> Vectors:
        """Smoothed z-scores, (texts, documents)."""
        return zscores(self._neighbours.mix(self._scorer.scores(texts), self._amount))


def choose_teacher(rankings: Mapping[str, Run], dev: Split) -> str:
    """The name of the ranking to teach by: "base", the student's own, is to teach nothing.

    The fusion teaches unless the base beats it by one standard error. A draw speaks for the fusion:
    a dev query has one known answer, and what the teacher knows of others does not show there. A
    cross-encoder, which costs far more, has to beat what would teach without it.
    """
    values = {name: by_query(run, dev) for name, run in rankings.items()}
    held = "base" if beats(values["base"], values["fusion"]) else "fusion"
    if "cross-encoder" in values and beats(values["cross-encoder"], values[held]):
        held = "cross-encoder"
    return held
