"""Sentence-transformers' trainer, set up for a student and what is trained beside it."""

import tempfile
from collections.abc import Sequence
from typing import Any

import torch
from datasets import Dataset
from sentence_transformers import SentenceTransformer, SentenceTransformerTrainer
from sentence_transformers.base.sampler import DefaultBatchSampler
from sentence_transformers.sentence_transformer.training_args import (
    SentenceTransformerTrainingArguments,
)
from torch.nn import Parameter
from transformers import TrainerCallback
from transformers.trainer_callback import PrinterCallback

from stages.lib.encoding.adapter import MARK
from stages.lib.encoding.encoder import device, fast_dtype
from stages.lib.train_params import Train
from stages.lib.training.processes import processes

CHECKPOINTED = 2**29
"""Weights from which on activations are computed twice rather than kept until the way back."""


def run_trainer(
    model: SentenceTransformer,
    beside: Sequence[Parameter],
    rows: Dataset,
    loss: torch.nn.Module,
    batches: DefaultBatchSampler,
    *,
    prefix: str,
    params: Train,
    seed: int,
    callbacks: Sequence[TrainerCallback] = (),
) -> None:
    """Trains a model in place; bfloat16 where the processor has it, on a GPU where there is one.

    Args:
        model: what is trained,
        beside: and what is trained beside it; the loss holds both.
        rows: the columns `query` and `label`.
        loss: takes the features of the queries and the labels.
        batches: which rows stand together.
        prefix: what stands before a query.
        params: epochs, learning rates, warm-up, weight decay and dropout.
        seed: of dropout.
        callbacks: watch the training.

    """
    for name, module in model.named_modules():
        if isinstance(module, torch.nn.Dropout) and MARK not in name:
            module.p = params.dropout
    if sum(map(torch.numel, model.parameters())) > CHECKPOINTED:
        transformer: Any = model[0].auto_model
        transformer.activation_checkpointing_enable()
    where = device()
    # the trainer insists on a folder; nothing is written there
    with tempfile.TemporaryDirectory() as scratch:
        trainer = _Trainer(
            model=model,
            args=SentenceTransformerTrainingArguments(
                output_dir=scratch,
                num_train_epochs=params.epochs,
                per_device_train_batch_size=batches.batch_size // processes(),
                # each process takes its part of every batch: their number changes no batch
                accelerator_config={"split_batches": True},
                warmup_steps=params.warmup_ratio,
                bf16=fast_dtype(where) == torch.bfloat16,
                use_cpu=where.type == "cpu",
                ddp_backend="gloo" if where.type == "cpu" and processes() > 1 else None,
                prompts={"query": prefix},
                batch_sampler=lambda *_args, **_kwargs: batches,
                seed=seed,
                data_seed=seed,
                save_strategy="no",
                eval_strategy="no",
                logging_strategy="no",
                report_to="none",
                disable_tqdm=True,
                dataloader_pin_memory=where.type == "cuda",
            ),
            train_dataset=rows,
            loss=loss,
            # None stands for the trainer's own schedule, linear after a warm-up
            optimizers=(optimizer(model, beside, params), None),  # type: ignore[arg-type]
            callbacks=[_MeanGradients(beside), *callbacks],
        )
        # it would print what the trainer logs at the end
        trainer.remove_callback(PrinterCallback)
        trainer.train()


def optimizer(
    model: SentenceTransformer, beside: Sequence[Parameter], params: Train
) -> torch.optim.Optimizer:
    """AdamW: matrices decay, biases and norms do not; what is beside the model has its own rate."""
    groups: list[dict[str, Any]] = [
        {
            "params": [weight for weight in model.parameters() if weight.ndim > 1],
            "weight_decay": params.weight_decay,
        },
        {
            "params": [weight for weight in model.parameters() if weight.ndim <= 1],
            "weight_decay": 0.0,
        },
    ]
    if beside:
        groups.append(
            {
                "params": list(beside),
                "lr": params.document_learning_rate,
                "weight_decay": params.weight_decay,
            }
        )
    return torch.optim.AdamW(groups, lr=params.learning_rate, fused=True)


class _Trainer(SentenceTransformerTrainer):
    """The trainer without its model card, which the export writes."""

    def add_model_card_callback(self, default_args_dict: dict[str, Any]) -> None:
        """Adds nothing."""


class _MeanGradients(TrainerCallback):
    """Averages gradients of what is trained beside the model over the processes.

    DistributedDataParallel does it for the model alone.

    Args:
        parameters: what is trained beside the model.

    """

    def __init__(self, parameters: Sequence[Parameter]) -> None:
        self._parameters = parameters

    def on_pre_optimizer_step(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:  # noqa: ARG002
        if torch.distributed.is_initialized():
            for parameter in self._parameters:
                if parameter.grad is not None:
                    torch.distributed.all_reduce(parameter.grad)
                    parameter.grad /= torch.distributed.get_world_size()
