"""What a model reaches on a task's rows: by row, so that two models can be compared."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pytrec_eval
import regex
from sentence_transformers import SentenceTransformer

from stages.lib.encoding.encoder import Vectors, encode
from stages.lib.search.metrics import strict
from stages.lib.tasks.rows import Row
from stages.lib.tasks.task import Task

DEEPEST = 1000
"""Documents of a ranking that are kept, where no cutoff asks for more."""

WORD = regex.compile(r"[\p{L}\p{N}\p{M}]+|[^\p{Z}\p{C}]")

SPEARMAN = "spearman"


@dataclass(frozen=True, slots=True)
class Measured:
    """A model's values on a task.

    Args:
        values: by measure, a value a row, in the order of the rows that were ranked.
        cosines: of query and document of the rows that are graded,
        grades: and their grades.

    """

    values: Mapping[str, npt.NDArray[np.float64]]
    cosines: npt.NDArray[np.float64]
    grades: npt.NDArray[np.float64]


def measure(model: SentenceTransformer, task: Task, rows: Sequence[Row]) -> Measured:
    """Measures a model by a task's rows.

    A row's documents are ranked among the corpus where the task has one, else among those of all
    the task's rows; a memory among its own, and a label among those of rows with the same `task`.

    Args:
        model: encodes queries and documents.
        task: its settings name the measures.
        rows: to measure by.

    """
    graded = [row for row in rows if row.score is not None]
    ranked = [row for row in rows if row.score is None and _relevant(task, row)]
    cosines = np.zeros(0)
    if graded:
        left = encode(model, [task.query(row) for row in graded])
        right = encode(model, [task.document(row.candidates[0], row) for row in graded])
        cosines = (left * right).sum(axis=1).astype(np.float64)
    grades = np.array([row.score for row in graded], dtype=np.float64)
    return Measured(_ranked(model, task, ranked) if ranked else {}, cosines, grades)


def _relevant(task: Task, row: Row) -> list[str]:
    """The texts that answer a row's query; the teacher's best where nobody named any."""
    if row.pos:
        return row.pos
    if row.teacher_scores and row.candidates:
        best = max(range(len(row.teacher_scores)), key=lambda at: (row.teacher_scores or [])[at])
        return [row.candidates[best]]
    if row.answers and task.corpus:
        return [text for text in task.corpus if holds(text, row.answers)]
    return []


def _ranked(
    model: SentenceTransformer, task: Task, rows: Sequence[Row]
) -> dict[str, npt.NDArray[np.float64]]:
    settings = task.settings
    pools = [_pool(task, row) for row in rows]
    read = [
        [task.document(text, row) for text in pool] for row, pool in zip(rows, pools, strict=True)
    ]
    texts = list(dict.fromkeys(text for pool in read for text in pool))
    columns = {text: column for column, text in enumerate(texts)}
    vectors = encode(model, texts, label=f"documents of {task.name}")
    queries = encode(model, [task.query(row) for row in rows], label=f"queries of {task.name}")
    depth = max(DEEPEST, *settings.cutoffs)
    run: dict[str, dict[str, float]] = {}
    qrels: dict[str, dict[str, int]] = {}
    hits: list[list[bool]] = []
    for number, (row, pool) in enumerate(zip(rows, pools, strict=True)):
        scores = vectors[[columns[text] for text in read[number]]] @ queries[number]
        order = _best(scores, depth)
        run[str(number)] = {str(at): float(scores[at]) for at in order}
        relevant = set(_relevant(task, row))
        qrels[str(number)] = {str(at): 1 for at, text in enumerate(pool) if text in relevant}
        if "answer" in settings.measures and row.answers:
            deepest = max(settings.cutoffs)
            hits.append([holds(pool[at], row.answers) for at in order[:deepest]])
    values = _trec_eval(run, qrels, _names(task))
    if hits:
        for cutoff in settings.cutoffs:
            values[f"answer_{cutoff}"] = np.array([float(any(hit[:cutoff])) for hit in hits])
    return values


def _pool(task: Task, row: Row) -> list[str]:
    """The texts that a row's documents are ranked among."""
    if row.history is not None:
        return list(dict.fromkeys(row.history))
    if task.corpus:
        return list(dict.fromkeys([*task.corpus, *row.positives]))
    by_task = "accuracy" in task.settings.measures
    pooled = [
        text
        for other in (*task.rows, *task.evaluation)
        if other.score is None and (not by_task or other.task == row.task)
        for text in other.candidates
    ]
    return list(dict.fromkeys([*pooled, *row.candidates]))


def _names(task: Task) -> list[tuple[str, str, int | None]]:
    """The measures by our name, trec_eval's, and the depth that its ranking is cut at."""
    found: list[tuple[str, str, int | None]] = []
    for measure in task.settings.measures:
        for cutoff in task.settings.cutoffs:
            if measure == "ndcg":
                found.append((f"ndcg_cut_{cutoff}", f"ndcg_cut_{cutoff}", None))
            elif measure == "recall":
                found.append((f"recall_{cutoff}", f"recall_{cutoff}", None))
            elif measure == "mrr":
                # trec_eval has no cut for it
                found.append((f"recip_rank_{cutoff}", "recip_rank", cutoff))
        if measure == "accuracy":
            found.append(("accuracy", "success_1", None))
    return found


def _trec_eval(
    run: Mapping[str, dict[str, float]],
    qrels: dict[str, dict[str, int]],
    names: Sequence[tuple[str, str, int | None]],
) -> dict[str, npt.NDArray[np.float64]]:
    values: dict[str, npt.NDArray[np.float64]] = {}
    for ours, theirs, depth in names:
        cut = {query_id: strict(ranking, depth) for query_id, ranking in run.items()}
        rows = pytrec_eval.RelevanceEvaluator(qrels, {theirs}).evaluate(cut)
        values[ours] = np.array([float(rows[query_id][theirs]) for query_id in run])
    return values


def _best(scores: Vectors, depth: int) -> list[int]:
    return [int(at) for at in np.argsort(-scores, kind="stable")[:depth]]


def holds(text: str, answers: Sequence[str]) -> bool:
    """Whether a text holds one of the answers, word by word, whatever case and marks it has."""
    words = _words(text)
    for answer in answers:
        wanted = _words(answer)
        if wanted and any(
            words[at : at + len(wanted)] == wanted for at in range(len(words) - len(wanted) + 1)
        ):
            return True
    return False


def _words(text: str) -> list[str]:
    return [word.casefold() for word in WORD.findall(text)]
