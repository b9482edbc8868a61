"""The collection as rows: what was mined of it, and its judged queries."""

from collections.abc import Iterator, Mapping, Sequence

from stages.lib.core.collection import Corpus, Split
from stages.lib.core.examples import Example
from stages.lib.search.engine import Run
from stages.lib.tasks.rows import Row

TASK = "qa"
"""What LLM-Embedder calls queries with documents that answer them."""
Answers = Mapping[str, Sequence[str]]
"""Right answers, each good by itself, by query_id."""


def places_of(corpus: Corpus) -> dict[str, int]:
    """The place of each document in the corpus, from 0."""
    return {doc_id: place for place, doc_id in enumerate(corpus)}


def learning_rows(examples: Sequence[Example], corpus: Corpus, answers: Answers) -> list[Row]:
    """A row an example, with the teacher's scores of positives and then negatives.

    Args:
        examples: with positives and negatives.
        corpus: the documents.
        answers: to some of the queries, or to none.

    """
    places = places_of(corpus)
    return [
        Row.model_validate(
            {
                "query": one.query,
                "pos": [corpus[doc_id].contents for doc_id in one.positives],
                "neg": [corpus[doc_id].contents for doc_id in one.negatives],
                "pos_index": [places[doc_id] for doc_id in one.positives],
                "neg_index": [places[doc_id] for doc_id in one.negatives],
                "teacher_scores": [one.ranking[each] for each in (*one.positives, *one.negatives)],
                **_answers(one.query_id, answers),
                "task": TASK,
                "query_id": one.query_id,
            }
        )
        for one in examples
    ]


def evaluation_rows(
    split: Split, corpus: Corpus, answers: Answers, run: Run, depth: int
) -> Iterator[Row]:
    """A row a judged query, with the places of what is relevant and of what a run found.

    Args:
        split: the judged queries.
        corpus: the documents.
        answers: to some of the queries, or to none.
        run: over some of the queries, or over none.
        depth: documents of the run a row.

    """
    places = places_of(corpus)
    for query_id in sorted(split.qrels):
        relevant = [places[doc_id] for doc_id, grade in split.qrels[query_id].items() if grade > 0]
        if not relevant:
            continue
        row: dict[str, object] = {
            "query": split.queries[query_id],
            "pos_index": sorted(relevant),
            **_answers(query_id, answers),
            "task": TASK,
            "query_id": query_id,
        }
        if query_id in run:
            hits = list(run[query_id])[:depth]
            row["key"] = [corpus[doc_id].contents for doc_id in hits]
            row["key_index"] = [places[doc_id] for doc_id in hits]
        yield Row.model_validate(row)


def _answers(query_id: str, answers: Answers) -> dict[str, list[str]]:
    return {"answers": list(answers[query_id])} if query_id in answers else {}
