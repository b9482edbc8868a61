"""Training a student, and choosing what ships by its worth on dev.

Nothing ships worse than it was: step 0 competes with the checkpoints and with the interpolations
of base and tuned weights (LM-Cocktail, arXiv 2311.13534), and wins ties.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from datasets import Dataset
from transformers import TrainerCallback

from stages.lib.distillation import Distillation
from stages.lib.negatives import Example
from stages.lib.params import Train
from stages.lib.sampling import OneSourceABatch
from stages.lib.students import Student, Weights
from stages.lib.trainer import run_trainer


@dataclass(frozen=True, slots=True)
class Candidate:
    """Weights that might ship, with what they reach on dev."""

    name: str
    step: int
    dev: float
    weights: Weights

    @property
    def row(self) -> dict[str, Any]:
        """The point of the training curve."""
        return {"name": self.name, "step": self.step, "dev": round(self.dev, 6)}


def train(
    student: Student,
    examples: Sequence[Example],
    evaluate: Callable[[], float],
    prefix: str,
    params: Train,
    seed: int,
) -> list[Candidate]:
    """Trains the student in place and returns everything that may ship, step 0 first.

    Args:
        student: at the base's weights.
        examples: the mined rows.
        evaluate: what the student is worth on dev, as it is.
        prefix: what stands before a query.
        params: the recipe.
        seed: of batches and dropout.

    """
    base = student.weights()
    candidates = [Candidate("step 0", 0, evaluate(), base)]
    if not examples:
        return candidates
    batches = OneSourceABatch(
        [example.source or example.positives[0] for example in examples],
        [len(example.query) for example in examples],
        params.batch_size,
        seed,
    )
    loss = Distillation(student.model, student.documents, examples, params)
    vectors = [name for name, _ in loss.named_parameters() if name.startswith("_documents.")]
    steps = len(batches) * params.epochs
    run_trainer(
        student.model,
        Dataset.from_dict(
            {"query": [e.query for e in examples], "label": list(range(len(examples)))}
        ),
        loss,
        batches,
        prompts={"query": prefix},
        epochs=params.epochs,
        learning_rate=params.learning_rate,
        params=params,
        seed=seed,
        rates={f"^{name}$": params.document_learning_rate for name in vectors},
        callbacks=[_Watch(student, evaluate, candidates, max(1, steps // params.evaluations))],
    )
    best = max(candidates[1:], key=lambda each: each.dev)
    for share in params.interpolations:
        weights = interpolate(base, best.weights, share)
        student.load(weights)
        candidates.append(Candidate(f"{share:g} of {best.name}", best.step, evaluate(), weights))
    return candidates


def choose(candidates: Sequence[Candidate]) -> Candidate:
    """The best on dev; the earlier of equals, so that step 0 wins ties."""
    return max(candidates, key=lambda each: each.dev)


def interpolate(base: Weights, tuned: Weights, share: float) -> Weights:
    """`share` of the tuned weights and the rest of the base's."""
    return {
        name: torch.lerp(weight, tuned[name], share) if weight.is_floating_point() else weight
        for name, weight in base.items()
    }


class _Watch(TrainerCallback):
    """Evaluates on dev along the way and keeps the weights."""

    def __init__(
        self,
        student: Student,
        evaluate: Callable[[], float],
        candidates: list[Candidate],
        every: int,
    ) -> None:
        self._student = student
        self._evaluate = evaluate
        self._candidates = candidates
        self._every = every

    def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:  # noqa: ARG002
        step = state.global_step
        if step % self._every == 0:
            self._student.model.eval()
            score = self._evaluate()
            self._student.model.train()
            name = f"step {step}"
            self._candidates.append(Candidate(name, step, score, self._student.weights()))
