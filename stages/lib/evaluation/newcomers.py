"""What happens to documents that come after training, where training moved documents' vectors."""

from collections.abc import Sequence
from typing import Any

from stages.lib.core.collection import Corpus, Split
from stages.lib.encoding.encoder import Vectors
from stages.lib.evaluation.comparison import Basis, search
from stages.lib.search.engine import Dense, Embedded
from stages.lib.search.measures import HEADLINE
from stages.lib.search.metrics import ndcg

DEPTH = 10


class Newcomers:
    """Scores as if each query's answers had come after training, and all other documents before.

    The answers have the vectors that the document encoder gives, among trained ones.

    Args:
        dense: search by trained vectors.
        encoded: the document encoder's vectors, (documents, dimensions), in the same order.
        split: the queries with their answers.

    """

    def __init__(self, dense: Dense, encoded: Vectors, split: Split) -> None:
        self.doc_ids = dense.doc_ids
        self._dense = dense
        self._encoded = encoded
        rows = {doc_id: row for row, doc_id in enumerate(dense.doc_ids)}
        self._answers: dict[str, list[int]] = {}
        for query_id, judged in split.qrels.items():
            answers = self._answers.setdefault(split.queries[query_id], [])
            answers += [rows[each] for each, grade in judged.items() if grade > 0 and each in rows]

    def scores(self, texts: Sequence[str]) -> Vectors:
        """Cosines, (texts, documents)."""
        scores = self._dense.scores(texts)
        for row, (text, query) in enumerate(zip(texts, self._dense.encode(texts), strict=True)):
            answers = self._answers.get(text, [])
            scores[row, answers] = self._encoded[answers] @ query
        return scores


def measure_newcomers(
    dense: Dense, encoded: Vectors, corpus: Corpus, basis: Basis
) -> dict[str, Any]:
    """nDCG@10 where each query's answers are documents that came after training."""
    engine = Embedded(Newcomers(dense, encoded, basis.split))
    run = search(engine, corpus, basis, DEPTH)
    return {"new_documents": {HEADLINE: round(ndcg(run, basis.split.qrels), 6)}}
