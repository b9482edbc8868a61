"""What Vespa should find, computed here: exact search over vectors as a field stores them."""

from collections.abc import Sequence
from copy import copy

from sentence_transformers import SentenceTransformer

from stages.lib.encoding.encoder import Vectors
from stages.lib.search.engine import Dense
from stages.lib.search.vector_types import as_bfloat16, binary_scores, pack, prefix
from stages.lib.vespa.package.generation import Generation


class Stored(Dense):
    """A generation's scores in memory; the query's vector stays as it is, as in Vespa.

    `rerank` is how many of the nearest by Hamming distance are re-ranked, where bits are stored.
    """

    def __init__(
        self,
        doc_ids: Sequence[str],
        vectors: Vectors,
        model: SentenceTransformer,
        query_prefix: str,
        generation: Generation,
        rerank: int,
    ) -> None:
        kept = prefix(vectors, generation.dimension)
        if generation.vector_type == "bfloat16":
            kept = as_bfloat16(kept)
        super().__init__(doc_ids, kept, model, query_prefix)
        self._generation = generation
        self._rerank = rerank

    def whole(self) -> "Stored":
        """The same with everything re-ranked, as the hybrid profiles have it."""
        other = copy(self)  # which shares the queries that are encoded
        other._rerank = len(self.doc_ids)
        return other

    def scores(self, texts: Sequence[str]) -> Vectors:
        """Cosines, (texts, documents); of signs, what is not re-ranked stands below."""
        queries = prefix(self.encode(texts), self._generation.dimension)
        if self._generation.binary:
            return binary_scores(queries, pack(self.vectors), self._rerank)
        cosines: Vectors = queries @ self.vectors.T
        return cosines
