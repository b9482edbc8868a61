"""The fusion as teacher: what one vector a document misses, from scores that cost little.

The cosines of the whole document and of its best sentence are fused with BM25, and each document's
score is mixed with those of its nearest documents: closely associated documents tend to be relevant
to the same requests (the cluster hypothesis, van Rijsbergen 1979).
"""

from collections.abc import Sequence

from stages.lib.encoding.encoder import Vectors
from stages.lib.search.engine import Fused, Scorer, zscores
from stages.lib.search.neighbours import Neighbours
from stages.lib.teaching.teacher import Material


def fusion(material: Material) -> Scorer:
    """The scorer of a collection, by the shares that the parameters name; 0 leaves a part out."""
    params = material.params
    dense: Scorer = material.dense
    if material.sentences is not None and params.sentence_share:
        dense = Fused(dense, material.sentences, 1 - params.sentence_share)
    fused = Fused(dense, material.lexical, material.dense_weight)
    if not (params.neighbours and params.smoothing):
        return fused
    neighbours = Neighbours(material.dense.vectors, params.neighbours)
    return Smoothed(fused, neighbours, params.smoothing)


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
