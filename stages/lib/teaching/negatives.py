"""What becomes of a query in mining: positives and hard negatives, or the ranking alone."""

from collections.abc import Collection, Iterator

from stages.lib.core.collection import Qrels, Queries
from stages.lib.core.examples import Example
from stages.lib.params import Mine
from stages.lib.search.engine import Run

Answers = dict[str, tuple[str, ...]]
"""Doc_ids by query_id."""


def labelled(
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
        ranking: the teacher's scores of its best documents, best first.
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
        others = [doc_id for doc_id in ranked if doc_id not in positives]
        hard = [
            doc for doc in others[params.range_min : params.range_max] if ranked[doc] <= ceiling
        ]
        if hard:
            yield Example(
                query_id,
                queries[query_id],
                ranked,
                tuple(positives),
                tuple(hard[: params.negatives]),
                answers.get(query_id, ()),
            )


def unlabelled(
    queries: Queries, answers: Answers, sources: dict[str, str], ranking: Run
) -> Iterator[Example]:
    """The rows of queries without positives, which the teacher's ranking alone labels.

    Args:
        queries: the queries.
        answers: what people found relevant, in or beyond the ranking, where they judged.
        sources: the documents that phrases, titles and sentences were taken from.
        ranking: the teacher's scores of its best documents, best first.

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
    answers = {}
    for query_id, judgements in qrels.items():
        relevant = sorted(doc_id for doc_id, grade in judgements.items() if grade > 0)
        if relevant != sorted(written_for.get(query_id, {})):
            answers[query_id] = tuple(relevant)
    return answers
