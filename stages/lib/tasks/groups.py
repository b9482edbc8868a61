"""What training sees of a row: the query with a positive and some negatives, in order."""

from collections.abc import Sequence
from dataclasses import dataclass

from stages.lib.core import seeds
from stages.lib.errors import UserError
from stages.lib.tasks.rows import Row
from stages.lib.tasks.task import Task
from stages.lib.tasks_params import Settings


@dataclass(frozen=True, slots=True)
class Group:
    """A query and its documents as the model reads them.

    Args:
        task: the position of its task.
        query: with its instruction.
        documents: the positive first; with their instruction.
        teacher: a score of each document; empty where there are none.
        answers: all documents that answer the query, which are no other query's negatives here.
        score: how alike the query and the positive are; None where that is not graded.

    """

    task: int
    query: str
    documents: tuple[str, ...]
    teacher: tuple[float, ...] = ()
    answers: frozenset[str] = frozenset()
    score: float | None = None


def groups(task: Task, rows: Sequence[Row], position: int, size: int, seed: int) -> list[Group]:
    """The groups of a task's rows; rows that its settings leave out have none.

    Args:
        task: whose settings choose.
        rows: of the task, to learn from.
        position: the task's.
        size: documents of a group at most.
        seed: of random choices, which are drawn from a hash of it and the row.

    Raises:
        UserError: the task learns from teacher scores alone, or takes its positives from them, and
            a row has none.

    """
    found = []
    for row in rows:
        chosen = choose(row, task.settings, size, seeds.digest(seed, task.name, row.identity))
        if chosen is None:
            continue
        positions, scores = chosen
        texts = [task.document(row.candidates[each], row) for each in positions]
        answers = {texts[0], *(task.document(text, row) for text in row.positives)}
        found.append(
            Group(position, task.query(row), tuple(texts), scores, frozenset(answers), row.score)
        )
    most = task.settings.most_rows
    if most and len(found) > most:
        drawn = sorted(
            range(len(found)),
            key=lambda at: seeds.digest(seed, task.name, "most", found[at].query),
        )
        found = [found[at] for at in sorted(drawn[:most])]
    return found


def check_taught(task: Task) -> None:
    """Refuses rows that the task's settings cannot learn from.

    Raises:
        UserError: with the row's file and number.

    """
    settings = task.settings
    if not task.rows:
        raise UserError(f"{task.place}: no rows")
    graded = task.rows[0].score is not None
    for number, row in enumerate(task.rows, 1):
        if (row.score is not None) != graded:
            raise UserError(
                f"{task.place}:{number}: {'no score' if graded else 'a score'}, unlike the rows "
                "before; make two tasks of them"
            )
        if row.teacher_scores is not None or graded:
            continue
        if not settings.contrastive_weight:
            raise UserError(
                f"{task.place}:{number}: no teacher_scores, and {task.name} learns from them "
                "alone; score the rows with make score-rows, or set its contrastive_weight"
            )
        if not row.positives:
            raise UserError(
                f"{task.place}:{number}: no pos, and no teacher_scores to choose one by; score the "
                "rows with make score-rows"
            )


def choose(
    row: Row, settings: Settings, size: int, seed: int
) -> tuple[list[int], tuple[float, ...]] | None:
    """Which of a row's candidates train, by position, the positive first; and their scores.

    None where the row says too little: its scores are too low or too alike, or it has no negatives
    where those of other rows do not count.
    """
    texts = row.candidates
    scores = row.teacher_scores if texts else None
    if scores is not None:
        best = max(scores, default=float("-inf"))
        if settings.least_score is not None and best < settings.least_score:
            return None
        if settings.margin is not None and scores and best - min(scores) < settings.margin:
            return None
    given = len(row.positives) if row.history is None else 0
    positive = _positive(settings, scores, given, seed)
    if positive is None:
        return None
    answers = {texts[positive], *texts[:given]}
    if row.score is not None:
        return [positive], ()
    others = [at for at in range(given, len(texts)) if texts[at] not in answers]
    negatives = _negatives(settings, others, scores, size - 1, seed)
    if not negatives and not settings.in_batch:
        return None
    chosen = [positive, *negatives]
    return chosen, tuple(scores[at] for at in chosen) if scores else ()


def _positive(settings: Settings, scores: list[float] | None, given: int, seed: int) -> int | None:
    """The position of the positive; the first where the teacher should choose and said nothing."""
    if scores and settings.positive == "teacher":
        return max(range(len(scores)), key=lambda at: scores[at])
    if not given:
        return None
    if scores and settings.positive == "teacher_positive":
        return max(range(given), key=lambda at: scores[at])
    if settings.positive == "random":
        return int(seeds.generator(seed, "positive").integers(given))
    return 0


def _negatives(
    settings: Settings, others: list[int], scores: list[float] | None, most: int, seed: int
) -> list[int]:
    """The positions of negatives; by descending score where there are scores."""
    if scores and settings.negatives in ("teacher_best", "teacher_worst"):
        sign = -1 if settings.negatives == "teacher_best" else 1
        chosen = sorted(others, key=lambda at: (sign * scores[at], at))[:most]
    elif settings.negatives == "first":
        chosen = others[:most]
    else:
        drawn = seeds.generator(seed, "negatives").permutation(len(others))[:most]
        chosen = [others[int(at)] for at in drawn]
    return sorted(chosen, key=lambda at: (-scores[at], at)) if scores else chosen
