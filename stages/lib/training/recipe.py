"""Training a student by the recipe of the parameters."""

from collections.abc import Sequence
from typing import Any

from datasets import Dataset
from tqdm import tqdm
from transformers import TrainerCallback

from stages.lib.core.examples import Example, Mined
from stages.lib.core.seeds import digest
from stages.lib.train_params import Train
from stages.lib.training.batches import OneSourceABatch
from stages.lib.training.candidates import interpolate
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
    prefix: str,
    params: Train,
    seed: int,
    *,
    taught: bool = True,
    callbacks: Sequence[TrainerCallback] = (),
) -> Weights | None:
    """Trains the student; its weights at the end, the mean over the runs.

    Each run begins at the student's start and has an order of batches of its own; the mean of
    their weights varies less than each (model soups, arXiv 2203.05482).

    Args:
        student: to train; it ends as the last run left it.
        examples: the training rows; without any there is nothing to train: None.
        prefix: what stands before a query.
        params: the recipe.
        seed: of batches and dropout.
        taught: whether the teacher teaches, beside what was judged.
        callbacks: watch each run.

    """
    if not examples:
        return None
    rows = Dataset.from_dict(
        {"query": [e.query for e in examples], "label": list(range(len(examples)))}
    )
    start, mean = student.weights(), Weights()
    with tqdm(desc="train", unit="batch", disable=not is_first()) as bar:
        for run in range(1, params.runs + 1):
            student.load(start)
            run_trainer(
                student.model,
                student.documents.trained(),
                rows,
                Distillation(student.model, student.documents, examples, params, taught=taught),
                _batches(examples, params.batch_size, digest(seed, "run", str(run))),
                prefix=prefix,
                params=params,
                seed=seed,
                callbacks=[*callbacks, _Progress(bar, params.runs)],
            )
            mean = interpolate(mean, student.weights(), 1 / run) if mean else student.weights()
    student.model.eval()
    return mean


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
