"""Training rows: what a stage of mining says of a query, and training reads."""

from dataclasses import dataclass
from typing import Any

from stages.lib.core.collection import Corpus


@dataclass(frozen=True, slots=True)
class Example:
    """A training query as the teacher sees it.

    `ranking` holds the teacher's best documents with their scores, best first; positives and
    negatives are taken from it. `answers` are the documents that people or a judge found relevant,
    in the ranking or beyond it; empty where nothing is known but what the query was written for. A
    query without judgements has none of these, and `source` names the document whose words it is
    made of, which training must not count as an answer.
    """

    query_id: str
    query: str
    ranking: dict[str, float]
    positives: tuple[str, ...] = ()
    negatives: tuple[str, ...] = ()
    answers: tuple[str, ...] = ()
    source: str | None = None

    @property
    def document(self) -> str | None:
        """The document that the query is about, as far as that is known."""
        return self.source or next(iter(self.positives), None)

    def row(self, corpus: Corpus) -> dict[str, Any]:
        """The line that FlagEmbedding reads too; ids and ranking come beside its own keys."""
        return {
            "query": self.query,
            "pos": [corpus[doc_id].contents for doc_id in self.positives],
            "neg": [corpus[doc_id].contents for doc_id in self.negatives],
            "pos_scores": [self.ranking[doc_id] for doc_id in self.positives],
            "neg_scores": [self.ranking[doc_id] for doc_id in self.negatives],
            "query_id": self.query_id,
            "pos_ids": list(self.positives),
            "neg_ids": list(self.negatives),
            "answers": list(self.answers),
            "source": self.source,
            "ranking": {doc_id: round(score, 5) for doc_id, score in self.ranking.items()},
        }


def read_example(row: dict[str, Any]) -> Example:
    """The example of a line that `Example.row` wrote."""
    return Example(
        row["query_id"],
        row["query"],
        row["ranking"],
        tuple(row["pos_ids"]),
        tuple(row["neg_ids"]),
        tuple(row["answers"]),
        row["source"],
    )
