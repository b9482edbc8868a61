"""Training a student, and choosing what ships by its worth on dev.

Nothing ships worse than it was: step 0 competes with the checkpoints and with the interpolations
of base and tuned weights (LM-Cocktail, arXiv 2311.13534), and wins ties.
"""

from collections.abc import Callable, Sequence
from typing import Any

import torch
from datasets import Dataset
from transformers import TrainerCallback

from stages.lib.core.examples import Example
from stages.lib.core.seeds import digest
from stages.lib.params import Train
from stages.lib.training.batches import OneSourceABatch
from stages.lib.training.contest import Contest
from stages.lib.training.loss import Distillation
from stages.lib.training.processes import processes
from stages.lib.training.speed import Stopwatch
from stages.lib.training.students import Student, Weights
from stages.lib.training.trainer import run_trainer


def train(
    student: Student,
    examples: Sequence[Example],
    evaluate: Callable[[], float],
    prefix: str,
    params: Train,
    seed: int,
    stopwatch: Stopwatch | None = None,
) -> Contest:
    """Trains the student, and lets everything that may ship compete.

    Each run starts at the base and has an order of batches of its own; the mean of their weights
    competes with them (model soups, arXiv 2203.05482).

    Args:
        student: at the base's weights; where it ends is the last that competed.
        examples: the mined rows.
        evaluate: what the student is worth on dev, as it is.
        prefix: what stands before a query.
        params: the recipe.
        seed: of batches and dropout.
        stopwatch: takes the time of the training steps.

    """
    contest = Contest(student, evaluate)
    if not examples:
        return contest
    rows = Dataset.from_dict(
        {"query": [e.query for e in examples], "label": list(range(len(examples)))}
    )
    ends: Weights = {}
    for run in range(1, params.runs + 1):
        student.load(contest.base)
        batches = OneSourceABatch(
            [example.document or example.query_id for example in examples],
            [len(example.query) for example in examples],
            params.batch_size,
            digest(seed, "run", str(run)),
            drop_last=processes() > 1,
        )
        loss = Distillation(student.model, student.documents, examples, params)
        vectors = [name for name, _ in loss.named_parameters() if name.startswith("_documents.")]
        run_trainer(
            student.model,
            rows,
            loss,
            batches,
            prompts={"query": prefix},
            epochs=params.epochs,
            learning_rate=params.learning_rate,
            params=params,
            seed=seed,
            rates={f"^{name}$": params.document_learning_rate for name in vectors},
            callbacks=[
                *([stopwatch] if stopwatch else []),
                _Watch(student, contest, f"run {run}", params.evaluations),
            ],
        )
        ends = interpolate(ends, student.weights(), 1 / run) if ends else student.weights()
    if params.runs > 1:
        student.load(ends)
        contest.enter(f"mean of {params.runs} runs", contest.candidates[-1].step)
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


class _Watch(TrainerCallback):
    """Lets the student compete along the way, the last time when its run ends."""

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
        # not at max_steps: an epoch may have fewer batches than the first, which that is counted by
        if state.global_step > self._entered:
            self._enter(state.global_step)

    def _enter(self, step: int) -> None:
        self._entered = step
        self._student.model.eval()
        self._contest.enter(f"{self._run}, step {step}", step)
        self._student.model.train()
