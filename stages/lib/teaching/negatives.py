"""Training rows: each query with its positives, hard negatives and the teacher's ranking."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Any

from stages.lib.core.collection import Corpus, Qrels, Queries
from stages.lib.params import Mine
from stages.lib.search.engine import Run

Answers = dict[str, tuple[str, ...]]
"""Doc_ids by query_id."""


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


def judged(
    queries: Queries, qrels: Qrels, answers: Answers, ignored: Qrels, ranking: Run, params: Mine
) -> Iterator[Example]:
    """The rows of all queries that have a positive in the teacher's ranking and a negative.

    Negatives are the ranks `range_min` to `range_max` among the documents that are neither
    positive nor ignored, and that score at least the share `margin` below the least positive
    (the relative margin of NV-Retriever, arXiv 2407.15831).

    Args:
        queries: the queries to find negatives for.
        qrels: their positives.
        answers: what people or a judge found relevant.
        ignored: documents on neither side, by query; they leave the ranking too.
        ranking: the teacher's scores of the candidates, best first.
        params: range, margin and count.

    """
    for query_id in sorted(queries):
        left_out: Collection[str] = ignored.get(query_id, {})
        ranked = {
            doc_id: score for doc_id, score in ranking[query_id].items() if doc_id not in left_out
        }
        positives = [doc_id for doc_id in ranked if qrels.get(query_id, {}).get(doc_id, 0) > 0]
        if not positives:
            continue
        least = min(ranked[doc_id] for doc_id in positives)
        ceiling = least - params.margin * abs(least)
        pool = [doc_id for doc_id in ranked if doc_id not in positives]
        hard = [doc for doc in pool[params.range_min : params.range_max] if ranked[doc] <= ceiling]
        if hard:
            yield Example(
                query_id,
                queries[query_id],
                ranked,
                tuple(positives),
                tuple(hard[: params.negatives]),
                answers.get(query_id, ()),
            )


def unmined(
    queries: Queries, answers: Answers, sources: dict[str, str], ranking: Run
) -> Iterator[Example]:
    """The rows of queries without positives and negatives: the teacher's ranking and what is known.

    Args:
        queries: the queries.
        answers: what people found relevant, in or beyond the ranking.
        sources: the documents that they were taken from.
        ranking: the teacher's scores of the candidates, best first.

    """
    for query_id in sorted(queries):
        yield Example(
            query_id,
            queries[query_id],
            ranking[query_id],
            answers=answers.get(query_id, ()),
            source=sources.get(query_id),
        )


def known_answers(qrels: Qrels, written_for: Qrels) -> Answers:
    """The relevant documents of each query about which more is known than what it was written for.

    Args:
        qrels: the judgements, by people or a judge.
        written_for: the documents that generated queries were written for.

    """
    found = {}
    for query_id, judgements in qrels.items():
        relevant = sorted(doc_id for doc_id, grade in judgements.items() if grade > 0)
        if relevant != sorted(written_for.get(query_id, {})):
            found[query_id] = tuple(relevant)
    return found
