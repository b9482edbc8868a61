"""What Vespa should find, computed here: exact search over vectors as a field stores them."""

from collections.abc import Sequence

from stages.lib.encoding.encoder import Vectors
from stages.lib.search.engine import Dense
from stages.lib.search.vector_types import as_bfloat16, binary_scores, pack, prefix
from stages.lib.vespa.search.profile import Profile


def as_stored(vectors: Vectors, profile: Profile) -> Vectors:
    """The numbers that a field keeps of vectors; of those that keep signs, what the signs are of.

    Args:
        vectors: (documents, the model's dimensions).
        profile: the field's.

    Returns:
        (documents, the profile's dimension).

    """
    kept = prefix(vectors, profile.dimension)
    return as_bfloat16(kept) if profile.vector_type == "bfloat16" else kept


class Stored:
    """A profile's scores in memory; the query's vector stays as it is, as in Vespa.

    Args:
        dense: encodes queries, and has the documents' vectors as they are stored.
        profile: what is searched.
        rerank: how many of the nearest by Hamming distance are re-ranked, where bits are stored.

    """

    def __init__(self, dense: Dense, profile: Profile, rerank: int) -> None:
        self.doc_ids = dense.doc_ids
        self._dense = dense
        self._profile = profile
        self._rerank = rerank

    def scores(self, texts: Sequence[str]) -> Vectors:
        """Cosines, (texts, documents); of signs, what is not re-ranked stands below."""
        queries = prefix(self._dense.encode(texts), self._profile.dimension)
        if self._profile.binary:
            return binary_scores(queries, pack(self._dense.vectors), self._rerank)
        cosines: Vectors = queries @ self._dense.vectors.T
        return cosines
