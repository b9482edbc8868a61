"""Negatives of rows, from what a retriever found; or what it found as keys to rank or read."""

from collections.abc import Sequence

from stages.lib.errors import UserError
from stages.lib.search.engine import Run
from stages.lib.tasks.measures import holds
from stages.lib.tasks.rows import Row
from stages.lib.tasks.task import Task

Ranking = Sequence[int]
"""Places in the corpus, the best first."""


def searched(task: Task) -> dict[str, str]:
    """The queries of a task's rows by their number from 0, as a retriever wants them."""
    return {str(number): task.query(row) for number, row in enumerate(task.rows)}


def rankings(task: Task, run: Run, place: str) -> list[Ranking]:
    """What a run found for each row.

    Args:
        task: its rows are known in the run by their id, or by their number from 0.
        run: by the documents' places in the corpus.
        place: the run, for errors.

    Raises:
        UserError: a document that is no place in the corpus, or no row that the run knows.

    """
    found: list[Ranking] = []
    known = 0
    for number, row in enumerate(task.rows):
        ranking = run.get(row.identity, run.get(str(number)))
        known += ranking is not None
        found.append([_place(doc_id, task, place) for doc_id in ranking or ()])
    if not known:
        raise UserError(
            f"{place}: knows no row of {task.name}; its query_ids have to be those of the rows, or "
            "their numbers from 0"
        )
    return found


def _place(doc_id: str, task: Task, place: str) -> int:
    if not doc_id.isdecimal() or int(doc_id) >= len(task.corpus):
        raise UserError(
            f"{place}: the document {doc_id!r} is no place in the corpus of {task.name}, which has "
            f"{len(task.corpus):,} documents, counted from 0"
        )
    return int(doc_id)


def with_negatives(row: Row, ranking: Ranking, corpus: Sequence[str], most: int) -> Row:
    """The row with the first documents found as negatives, in the place of others.

    What answers the query, has the text of a positive or holds an answer is none. Teacher scores
    go: they were of other documents.
    """
    answers = {*row.positives, *(corpus[index] for index in row.pos_index or ())}
    chosen: list[int] = []
    for index in ranking:
        text = corpus[index]
        if text not in answers and not (row.answers and holds(text, row.answers)):
            chosen.append(index)
        if len(chosen) == most:
            break
    negatives = {"neg": [corpus[index] for index in chosen], "neg_index": chosen}
    return row.model_copy(update={**negatives, "teacher_scores": None})


def with_keys(row: Row, ranking: Ranking, corpus: Sequence[str], most: int) -> Row:
    """The row with the first documents found as keys, for a ranker or a reader."""
    chosen = list(ranking[:most])
    return row.model_copy(update={"key": [corpus[i] for i in chosen], "key_index": chosen})
