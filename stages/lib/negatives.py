"""Candidates for each training query, ranked and scored by the teacher."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Any

from stages.lib.collection import Corpus, Qrels, Queries
from stages.lib.params import Mine
from stages.lib.search import Run


@dataclass(frozen=True, slots=True)
class Example:
    """A training query with its positives and negatives and their teacher scores."""

    query_id: str
    query: str
    positives: dict[str, float]
    negatives: dict[str, float]

    def row(self, corpus: Corpus) -> dict[str, Any]:
        """The line that FlagEmbedding reads too; ids come beside its own keys."""
        return {
            "query": self.query,
            "pos": [corpus[doc_id].contents for doc_id in self.positives],
            "neg": [corpus[doc_id].contents for doc_id in self.negatives],
            "pos_scores": list(self.positives.values()),
            "neg_scores": list(self.negatives.values()),
            "query_id": self.query_id,
            "pos_ids": list(self.positives),
            "neg_ids": list(self.negatives),
        }


def mine(
    queries: Queries, qrels: Qrels, ignored: Qrels, ranking: Run, params: Mine
) -> Iterator[Example]:
    """The examples of all queries whose positives the teacher ranks.

    Negatives are the teacher's ranks `range_min` to `range_max` among the candidates that are
    neither positive nor ignored, and that score at least the share `margin` below the least
    positive (the relative margin of NV-Retriever, arXiv 2407.15831).

    Args:
        queries: the queries to find negatives for.
        qrels: their positives.
        ignored: documents on neither side, by query.
        ranking: the teacher's scores of the candidates, best first.
        params: range, margin and count.

    """
    for query_id in sorted(queries):
        ranked = ranking.get(query_id, {})
        judged = [doc_id for doc_id, relevance in qrels[query_id].items() if relevance > 0]
        positives = {doc_id: ranked[doc_id] for doc_id in sorted(judged) if doc_id in ranked}
        if not positives:
            continue
        least = min(positives.values())
        ceiling = least - params.margin * abs(least)
        left_out: Collection[str] = {*judged, *ignored.get(query_id, {})}
        pool = [doc_id for doc_id in ranked if doc_id not in left_out]
        hard = [doc for doc in pool[params.range_min : params.range_max] if ranked[doc] <= ceiling]
        negatives = {doc_id: ranked[doc_id] for doc_id in hard[: params.negatives]}
        if negatives:
            yield Example(query_id, queries[query_id], positives, negatives)


def read_example(row: dict[str, Any]) -> Example:
    """The example of a line that `Example.row` wrote."""
    return Example(
        row["query_id"],
        row["query"],
        dict(zip(row["pos_ids"], row["pos_scores"], strict=True)),
        dict(zip(row["neg_ids"], row["neg_scores"], strict=True)),
    )
