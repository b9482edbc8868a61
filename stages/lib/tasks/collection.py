"""The collection as rows: what was mined of it, and its judged queries."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from stages.lib.core.collection import Corpus, Split
from stages.lib.core.examples import Example, read_mined
from stages.lib.encoder_params import Encoder
from stages.lib.search.engine import Run
from stages.lib.tasks.rows import Row
from stages.lib.tasks.task import Task, read_kind

NAME = "collection"
"""The task's name, and its kind's."""
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


def collection_task(mined: Path, corpus: Corpus, dev: Split, kinds: Path, encoder: Encoder) -> Task:
    """The collection as one of the tasks that train one model.

    Its queries and documents have the prefixes of `encoder`, so that the model serves the
    collection as any other does. It is measured by the dev queries, ranked among the corpus; where
    there are none, by some of its rows.

    Args:
        mined: folder with training rows.
        corpus: the documents.
        dev: judged queries; may be empty.
        kinds: folder of the kinds of tasks.
        encoder: what the base expects before queries and documents.

    """
    kind = read_kind(kinds, NAME, {}, "params.yaml: tasks.collection")
    settings = kind.model_copy(
        update={
            "instruction_query": encoder.query_prefix + kind.instruction_query,
            "instruction_document": encoder.document_prefix + kind.instruction_document,
        }
    )
    texts = [document.contents for document in corpus.values()]
    measured = [
        row.model_copy(update={"pos": [texts[place] for place in row.pos_index or ()]})
        for row in evaluation_rows(dev, corpus, {}, {}, 0)
    ]
    learnt = learning_rows(read_mined(mined).train, corpus, {})
    return Task(NAME, settings, learnt, texts, measured, str(mined))


def _answers(query_id: str, answers: Answers) -> dict[str, list[str]]:
    return {"answers": list(answers[query_id])} if query_id in answers else {}
