"""Low-rank adapters: few weights that train in the place of a model's (LoRA, arXiv 2106.09685).

An adapter is put into a model, which is called as before. It is saved by itself, and merged into
the model as it was, for all who know nothing of adapters.
"""

import warnings
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import torch
from sentence_transformers import SentenceTransformer
from torch import Tensor, nn
from transformers.pytorch_utils import Conv1D

from stages.lib.core.seeds import digest
from stages.lib.encoder_params import Encoder
from stages.lib.encoding.encoder import load_encoder
from stages.lib.errors import UserError
from stages.lib.train_params import Lora

MARK = "lora_"
"""Stands in the names of an adapter's weights and modules."""


def quantisation(params: Lora) -> dict[str, Any]:
    """How the weights beside an adapter are loaded: in 4 bits where that is asked for.

    Raises:
        UserError: there is no GPU, or no bitsandbytes.

    """
    if not params.quantised:
        return {}
    if not torch.cuda.is_available() or not find_spec("bitsandbytes"):
        raise UserError(
            "params.yaml: train.lora.quantised: needs an NVIDIA GPU and the package bitsandbytes "
            "(pip install bitsandbytes); set it to false"
        )
    from transformers import BitsAndBytesConfig

    config = BitsAndBytesConfig(  # type: ignore[no-untyped-call]
        load_in_4bit=True,
        bnb_4bit_quant_type="nf4",
        bnb_4bit_use_double_quant=True,
        bnb_4bit_compute_dtype=torch.bfloat16,
    )
    return {"quantization_config": config}


def add_adapter(model: SentenceTransformer, params: Lora, seed: int) -> None:
    """Puts an adapter into a model, in place: from here on it alone trains.

    It begins as no change at all.

    Args:
        model: the model.
        params: rank, scale, dropout, and which layers.
        seed: of the adapter's first factors.

    Raises:
        UserError: the model has no such layers.

    """
    from peft import LoraConfig

    transformer: Any = model[0].auto_model
    layers = [
        name
        for name, module in transformer.named_modules()
        if isinstance(module, nn.Linear | Conv1D)
    ]
    unknown = [
        target
        for target in params.target_modules
        if not any(name == target or name.endswith("." + target) for name in layers)
    ]
    if unknown:
        known = sorted({name.rsplit(".", 1)[-1] for name in layers})
        raise UserError(
            f"params.yaml: train.lora.target_modules: the base has no linear layer {unknown[0]!r}; "
            f"it has {', '.join(known)}"
        )
    config = LoraConfig(
        r=params.rank,
        lora_alpha=params.alpha,  # type: ignore[arg-type]
        lora_dropout=params.dropout,
        target_modules=params.target_modules or "all-linear",
    )
    with torch.random.fork_rng():
        torch.manual_seed(digest(seed, "adapter") % 2**63)
        model.add_adapter(config)


def has_adapter(model: SentenceTransformer) -> bool:
    """Whether a model has an adapter."""
    return any(MARK in name for name, _ in model.named_parameters())


def copy_weights(model: SentenceTransformer) -> dict[str, Tensor]:
    """A copy of what trains: the adapter's weights where there is one, else all."""
    adapted = has_adapter(model)
    return {
        name: weight.detach().clone().cpu()
        for name, weight in model.state_dict().items()
        if MARK in name or not adapted
    }


def load_weights(model: SentenceTransformer, weights: dict[str, Tensor]) -> None:
    """Takes weights that `copy_weights` gave."""
    model.load_state_dict(weights, strict=not has_adapter(model))


def save_encoder(model: SentenceTransformer, folder: Path, adapter: Path, params: Encoder) -> None:
    """Saves a model; one with an adapter merged, and the adapter by itself.

    It is merged into the weights as they were read, whatever they were kept in to train.

    Args:
        model: the model.
        folder: for the model.
        adapter: a folder for the adapter; it is made if there is one.
        params: how the model was loaded.

    """
    if has_adapter(model):
        from peft import PeftModel

        trained: Any = model[0].auto_model
        trained.save_pretrained(adapter)
        (adapter / "README.md").unlink(missing_ok=True)
        model = load_encoder(Path(trained.name_or_path), params)
        plain: Any = model[0].auto_model
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of what peft asks a model that does not train
            adapted = PeftModel.from_pretrained(plain, str(adapter))
        adapted.merge_and_unload()
    model.save(str(folder), create_model_card=False)
