"""Sentence-transformers' trainer, set up as every training here needs it."""

import tempfile
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from datasets import Dataset
from sentence_transformers import SentenceTransformer, SentenceTransformerTrainer
from sentence_transformers.base.sampler import DefaultBatchSampler
from sentence_transformers.sentence_transformer.training_args import (
    SentenceTransformerTrainingArguments,
)
from transformers import TrainerCallback

from stages.lib.encoding.encoder import device, fast_dtype
from stages.lib.params import Train
from stages.lib.training.processes import processes


def run_trainer(
    model: SentenceTransformer,
    rows: Dataset,
    loss: torch.nn.Module,
    batches: DefaultBatchSampler,
    *,
    prompts: Mapping[str, str],
    epochs: int,
    learning_rate: float,
    params: Train,
    seed: int,
    rates: Mapping[str, float] | None = None,
    callbacks: Sequence[TrainerCallback] = (),
) -> None:
    """Trains a model in place; bfloat16 where the processor has it, on a GPU where there is one.

    Args:
        model: what is trained, with what else the loss holds.
        rows: columns of texts, and `label`.
        loss: takes the features of the texts and the labels.
        batches: which rows stand together.
        prompts: what stands before the texts, by column.
        epochs: passes over the rows.
        learning_rate: its peak.
        params: warm-up, weight decay and dropout.
        seed: of dropout.
        rates: other learning rates, by a pattern of parameters' names.
        callbacks: watch the training.

    """
    for module in model.modules():
        if isinstance(module, torch.nn.Dropout):
            module.p = params.dropout
    where = device()
    # the trainer insists on a folder; nothing is written there
    with tempfile.TemporaryDirectory() as scratch:
        SentenceTransformerTrainer(
            model=model,
            args=SentenceTransformerTrainingArguments(
                output_dir=scratch,
                num_train_epochs=epochs,
                per_device_train_batch_size=batches.batch_size // processes(),
                # each process takes its part of every batch: their number changes no batch
                accelerator_config={"split_batches": True},
                learning_rate=learning_rate,
                learning_rate_mapping=dict(rates or {}),
                warmup_steps=params.warmup_ratio,
                weight_decay=params.weight_decay,
                bf16=fast_dtype(where) == torch.bfloat16,
                use_cpu=where.type == "cpu",
                ddp_backend="gloo" if where.type == "cpu" and processes() > 1 else None,
                prompts=dict(prompts),
                batch_sampler=lambda *_args, **_kwargs: batches,
                seed=seed,
                data_seed=seed,
                save_strategy="no",
                eval_strategy="no",
                logging_strategy="no",
                report_to="none",
                dataloader_pin_memory=where.type == "cuda",
            ),
            train_dataset=rows,
            loss=loss,
            callbacks=[_MeanGradients(loss, model), *callbacks],
        ).train()


class _MeanGradients(TrainerCallback):
    """Does for the loss's own parameters what DistributedDataParallel does for the model's."""

    def __init__(self, loss: torch.nn.Module, model: torch.nn.Module) -> None:
        of_model = {id(parameter) for parameter in model.parameters()}
        self._own = [each for each in loss.parameters() if id(each) not in of_model]

    def on_pre_optimizer_step(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:  # noqa: ARG002
        if torch.distributed.is_initialized():
            for parameter in self._own:
                if parameter.grad is not None:
                    torch.distributed.all_reduce(parameter.grad)
                    parameter.grad /= torch.distributed.get_world_size()
