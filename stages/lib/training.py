"""Training a student, and choosing what ships by its worth on dev.

Nothing ships worse than it was: step 0 competes with the checkpoints and with the interpolations
of base and tuned weights (LM-Cocktail, arXiv 2311.13534), and wins ties.
"""

import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from datasets import Dataset
from sentence_transformers import SentenceTransformer, SentenceTransformerTrainer
from sentence_transformers.sentence_transformer.training_args import (
    SentenceTransformerTrainingArguments,
)
from transformers import TrainerCallback

from stages.lib.distillation import Distillation, Documents
from stages.lib.encoder import device, fast_dtype
from stages.lib.negatives import Example
from stages.lib.params import Train
from stages.lib.sampling import OneQueryADocument

Weights = dict[str, torch.Tensor]


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
    model: SentenceTransformer,
    documents: Documents,
    examples: Sequence[Example],
    evaluate: Callable[[], float],
    prefix: str,
    params: Train,
    seed: int,
) -> list[Candidate]:
    """Trains the model in place and returns everything that may ship, step 0 first.

    Args:
        model: the student, at the base's weights.
        documents: gives the loss its candidates.
        examples: the mined rows.
        evaluate: what the model is worth on dev, as it is.
        prefix: what stands before a query.
        params: the recipe.
        seed: of batches and dropout.

    """
    base = _copy(model)
    candidates = [Candidate("step 0", 0, evaluate(), base)]
    if not examples:
        return candidates
    batches = OneQueryADocument(
        [example.source or example.positives[0] for example in examples],
        [len(example.query) for example in examples],
        params.batch_size,
        seed,
    )
    for module in model.modules():
        if isinstance(module, torch.nn.Dropout):
            module.p = params.dropout
    steps = len(batches) * params.epochs
    watch = _Watch(model, evaluate, candidates, max(1, steps // params.evaluations))
    where = device()
    # the trainer insists on a folder; nothing is written there
    with tempfile.TemporaryDirectory() as scratch:
        SentenceTransformerTrainer(
            model=model,
            args=SentenceTransformerTrainingArguments(
                output_dir=scratch,
                num_train_epochs=params.epochs,
                per_device_train_batch_size=params.batch_size,
                learning_rate=params.learning_rate,
                warmup_steps=params.warmup_ratio,
                weight_decay=params.weight_decay,
                bf16=fast_dtype(where) == torch.bfloat16,
                use_cpu=where.type == "cpu",
                prompts={"query": prefix},
                batch_sampler=lambda *_args, **_kwargs: batches,
                seed=seed,
                data_seed=seed,
                save_strategy="no",
                eval_strategy="no",
                logging_strategy="no",
                report_to="none",
                dataloader_pin_memory=where.type == "cuda",
            ),
            train_dataset=Dataset.from_dict(
                {"query": [e.query for e in examples], "label": list(range(len(examples)))}
            ),
            loss=Distillation(model, documents, examples, params),
            callbacks=[watch],
        ).train()
    best = max(candidates[1:], key=lambda each: each.dev)
    for share in params.interpolations:
        weights = interpolate(base, best.weights, share)
        model.load_state_dict(weights)
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
        model: SentenceTransformer,
        evaluate: Callable[[], float],
        candidates: list[Candidate],
        every: int,
    ) -> None:
        self._model = model
        self._evaluate = evaluate
        self._candidates = candidates
        self._every = every

    def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:  # noqa: ARG002
        step = state.global_step
        if step % self._every == 0:
            self._model.eval()
            score = self._evaluate()
            self._model.train()
            self._candidates.append(Candidate(f"step {step}", step, score, _copy(self._model)))


def _copy(model: SentenceTransformer) -> Weights:
    return {name: weight.detach().clone().cpu() for name, weight in model.state_dict().items()}
