"""What a model reaches on a task's rows: by row, so that two models can be compared."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pytrec_eval
import regex
from sentence_transformers import SentenceTransformer

from stages.lib.encoding.encoder import encode
from stages.lib.search.engine import Dense, Embedded, Run
from stages.lib.search.metrics import strict
from stages.lib.tasks.rows import Row
from stages.lib.tasks.task import Task

WORD = regex.compile(r"[\p{L}\p{N}\p{M}]+|[^\p{Z}\p{C}]")

SPEARMAN = "spearman"


@dataclass(frozen=True, slots=True)
class Measured:
    """A model's values on a task.

    Args:
        values: by measure, a value for each row that it can be taken of.
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
    cosines = np.zeros(0)
    if graded:
        left = encode(model, [task.query(row) for row in graded])
        right = encode(model, [task.document(row.candidates[0], row) for row in graded])
        cosines = (left * right).sum(axis=1).astype(np.float64)
    grades = np.array([row.score for row in graded], dtype=np.float64)
    values: dict[str, list[float]] = {}
    for pool, ranked in _pools(task, [row for row in rows if row.score is None]):
        for name, found in _ranked(model, task, pool, ranked).items():
            values.setdefault(name, []).extend(found)
    return Measured({name: np.array(found) for name, found in values.items()}, cosines, grades)


def _relevant(row: Row) -> list[str]:
    """The texts that answer a row's query; the teacher's best where nobody named any."""
    if row.positives or not row.teacher_scores or not row.candidates:
        return row.positives
    scores = row.teacher_scores
    return [row.candidates[max(range(len(scores)), key=lambda at: scores[at])]]


def _pools(task: Task, rows: Sequence[Row]) -> list[tuple[list[str], list[Row]]]:
    """The texts that rows are ranked among, with these rows: each pool is encoded once."""
    labels = "accuracy" in task.settings.measures
    told = labels or "{task}" in task.settings.instruction_document
    pools: dict[str, tuple[list[str], list[Row]]] = {}
    for number, row in enumerate(rows):
        if row.history is not None:
            pools[f"own {number}"] = (row.history, [row])
        else:
            pools.setdefault(f"task {row.task if told else ''}", ([], []))[1].append(row)
    for key, (pool, ranked) in pools.items():
        if key.startswith("own "):
            continue
        pool += task.corpus
        beside = [*task.rows, *task.evaluation] if not task.corpus else ranked
        pool += [
            text
            for row in beside
            if row.score is None and (not told or row.task == ranked[0].task)
            for text in (row.positives if task.corpus else row.candidates)
        ]
    return [(list(dict.fromkeys(pool)), ranked) for pool, ranked in pools.values()]


def _ranked(
    model: SentenceTransformer, task: Task, pool: Sequence[str], rows: Sequence[Row]
) -> dict[str, list[float]]:
    """The measures' values by row, of the rows that can be measured so."""
    settings = task.settings
    texts = [task.document(text, rows[0]) for text in pool]
    vectors = encode(model, texts, label=f"documents of {task.name}")
    places = {text: str(place) for place, text in enumerate(pool)}
    engine = Embedded(Dense(list(places.values()), vectors, model, ""))
    asked = {str(number): task.query(row) for number, row in enumerate(rows)}
    run = engine.search(asked, max(settings.cutoffs))
    qrels = {
        str(number): {places[text]: 1 for text in relevant}
        for number, row in enumerate(rows)
        if (relevant := _relevant(row))
    }
    values = _trec_eval(run, qrels, _names(task)) if qrels else {}
    if "answer" in settings.measures:
        hits = [
            [holds(pool[int(place)], row.answers) for place in run[str(number)]]
            for number, row in enumerate(rows)
            if row.answers
        ]
        for cutoff in settings.cutoffs if hits else []:
            values[f"answer_{cutoff}"] = [float(any(hit[:cutoff])) for hit in hits]
    return values


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
    run: Run, qrels: dict[str, dict[str, int]], names: Sequence[tuple[str, str, int | None]]
) -> dict[str, list[float]]:
    values: dict[str, list[float]] = {}
    for ours, theirs, depth in names:
        cut = {query_id: strict(run[query_id], depth) for query_id in qrels}
        rows = pytrec_eval.RelevanceEvaluator(qrels, {theirs}).evaluate(cut)
        values[ours] = [float(rows[query_id][theirs]) for query_id in qrels]
    return values


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
