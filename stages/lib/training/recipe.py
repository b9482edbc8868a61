"""Training a student, and choosing what ships by its worth on dev.

Nothing ships worse than it was: step 0 competes with the checkpoints and with the interpolations
of base and tuned weights (LM-Cocktail, arXiv 2311.13534), and wins ties.
"""

from collections.abc import Callable, Sequence
from typing import Any

import torch
from datasets import Dataset
from tqdm import tqdm
from transformers import TrainerCallback

from stages.lib.core.examples import Example, Mined
from stages.lib.core.seeds import digest
from stages.lib.params import Train
from stages.lib.search.engine import Dense
from stages.lib.training.batches import OneSourceABatch
from stages.lib.training.contest import Contest
from stages.lib.training.loss import Distillation
from stages.lib.training.losses import teach
from stages.lib.training.processes import is_first, processes
from stages.lib.training.students import Student, Weights
from stages.lib.training.trainer import run_trainer


def training_rows(mined: Mined, params: Train, *, with_dev: bool) -> list[Example]:
    """The rows to train on; none where no loss that is on would learn from any of them.

    Where the student ranks better than the teacher, judgements alone have something to teach.

    Args:
        mined: what mining left.
        params: the losses' weights.
        with_dev: takes the synthetic dev queries too, for when they judge nothing.

    """
    rows = [*mined.train, *mined.unlabelled, *(mined.dev if with_dev else ())]
    if not mined.taught:
        rows = [row for row in rows if row.answers]
    # what holds the student to the base would train it all the same, away from what was measured
    return rows if teach(rows, params, taught=mined.taught) else []


def train(
    student: Student,
    examples: Sequence[Example],
    evaluate: Callable[[Dense], float],
    prefix: str,
    params: Train,
    seed: int,
    *,
    taught: bool = True,
    callbacks: Sequence[TrainerCallback] = (),
) -> Contest:
    """Trains the student, and lets everything that may ship compete.

    Each run starts at the base and has an order of batches of its own; the mean of their weights
    competes with them (model soups, arXiv 2203.05482).

    Args:
        student: at the base's weights; it ends as the last state that competed.
        examples: the training rows; without any, the base alone competes.
        evaluate: what a student is worth on dev, by its dense search.
        prefix: what stands before a query.
        params: the recipe.
        seed: of batches and dropout.
        taught: whether the teacher teaches, beside what was judged.
        callbacks: watch each run.

    """
    contest = Contest(student, evaluate)
    if not examples:
        return contest
    rows = Dataset.from_dict(
        {"query": [e.query for e in examples], "label": list(range(len(examples)))}
    )
    mean: Weights = {}
    with tqdm(desc="train", unit="batch", disable=not is_first()) as bar:
        for run in range(1, params.runs + 1):
            student.load(contest.base)
            run_trainer(
                student.model,
                student.documents.trained(),
                rows,
                Distillation(student.model, student.documents, examples, params, taught=taught),
                _batches(examples, params.batch_size, digest(seed, "run", str(run))),
                prefix=prefix,
                params=params,
                seed=seed,
                callbacks=[
                    *callbacks,
                    _Progress(bar, params.runs),
                    _Checkpoints(student, contest, f"run {run}", params.evaluations),
                ],
            )
            mean = interpolate(mean, student.weights(), 1 / run) if mean else student.weights()
    if params.runs > 1:
        student.load(mean)
        contest.enter(f"mean of {params.runs} runs", contest.states[-1].step)
    if contest.tuned:
        best, weights = contest.tuned
        for share in params.interpolations:
            student.load(interpolate(contest.base, weights, share))
            contest.enter(f"{share:g} of {best.name}", best.step)
    return contest


def interpolate(base: Weights, tuned: Weights, share: float) -> Weights:
    """`share` of the tuned weights and the rest of the base's."""
    return {
        name: torch.lerp(weight, tuned[name], share) if weight.is_floating_point() else weight
        for name, weight in base.items()
    }


def _batches(examples: Sequence[Example], size: int, seed: int) -> OneSourceABatch:
    """The order of batches of a run; a query whose document is unknown is a source of its own."""
    return OneSourceABatch(
        [example.document or example.query_id for example in examples],
        [len(example.query) for example in examples],
        size,
        seed,
        drop_last=processes() > 1,
    )


class _Progress(TrainerCallback):
    """Moves a bar that counts the batches of all runs.

    Args:
        bar: to move.
        runs: how many there are; each has about as many batches as the first.

    """

    def __init__(self, bar: "tqdm[Any]", runs: int) -> None:
        self._bar = bar
        self._runs = runs

    def on_train_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:  # noqa: ARG002
        self._bar.total = self._runs * state.max_steps

    def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:  # noqa: ARG002
        self._bar.update()


class _Checkpoints(TrainerCallback):
    """Lets the student compete at even steps of a run, the last time when the run ends.

    Args:
        student: what is trained.
        contest: where it competes.
        run: the run's name.
        evaluations: how often it competes.

    """

    def __init__(self, student: Student, contest: Contest, run: str, evaluations: int) -> None:
        self._student = student
        self._contest = contest
        self._run = run
        self._evaluations = evaluations
        self._entered = 0

    def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:  # noqa: ARG002
        step, parts = state.global_step, self._evaluations
        if step in {state.max_steps * part // parts for part in range(1, parts)}:
            self._enter(step)

    def on_train_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:  # noqa: ARG002
        # max_steps counts each epoch by the first one's batches, and a later one may have fewer
        if state.global_step > self._entered:
            self._enter(state.global_step)

    def _enter(self, step: int) -> None:
        self._entered = step
        self._student.model.eval()
        self._contest.enter(f"{self._run}, step {step}", step)
        self._student.model.train()
