from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from sentence_transformers import SentenceTransformer

from stages.lib.params import Params
from stages.lib.training.trainer import optimizer


def test_every_weight_is_trained_once_and_biases_and_norms_do_not_decay(
    tiny_model: Path, with_params: Callable[[dict[str, Any]], Params]
) -> None:
    changes = {"train.learning_rate": 1e-4, "train.document_learning_rate": 2e-3}
    params = with_params(changes | {"train.weight_decay": 0.05}).train
    model = SentenceTransformer(str(tiny_model), device="cpu")
    vectors = torch.nn.Parameter(torch.ones(3, 4))
    groups = optimizer(model, [vectors], params).param_groups
    rates = {
        id(weight): (group["lr"], group["weight_decay"])
        for group in groups
        for weight in group["params"]
    }
    assert sum(len(group["params"]) for group in groups) == len(rates)
    assert rates.pop(id(vectors)) == (2e-3, 0.05)
    for name, weight in model.named_parameters():
        kept = name.endswith("bias") or "LayerNorm" in name
        assert rates.pop(id(weight)) == (1e-4, 0.0 if kept else 0.05), name
    assert not rates
