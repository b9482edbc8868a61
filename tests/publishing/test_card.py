"""The model card tells of an adapter where one was trained."""

from typing import Any

from stages.lib.publishing.card import Made, model_card
from stages.lib.search.measures import NAMES
from tests.conftest import Change
from tests.publishing.embedder import EMBEDDER

MEANS = dict.fromkeys(NAMES, 0.5)
EVALUATION: dict[str, Any] = {
    "measured_on": "test",
    "queries": 3,
    "documents": 4,
    "systems": {"base": MEANS, "tuned": MEANS},
    "comparisons": {},
}
PARITY = {"bytes": 1, "min_cosine": 1.0, "mean_cosine": 1.0}
EXPORT = {"parity": {".": {"fp32": PARITY}}, "gate": {"fp32": {"passed": True, "reason": ""}}}


def card(with_params: Change, changes: dict[str, Any]) -> str:
    return model_card(
        with_params(changes),
        {"fp32": EMBEDDER},
        Made("corpus", "queries", "somebody"),
        EVALUATION,
        EXPORT,
        place="models/embedder",
        on_hub=False,
        vectors=False,
        local=True,
    )


def test_an_adapter_is_told_with_its_rank_and_its_place(with_params: Change) -> None:
    told = card(with_params, {"train.lora.rank": 8, "train.lora.alpha": 16})
    assert "- Adapter: low-rank (LoRA), rank 8, alpha 16, in all linear layers;" in told
    assert "by itself in `adapter`" in told
    layers = {"train.lora.rank": 8, "train.lora.target_modules": ["q_proj", "v_proj"]}
    quantised = card(with_params, layers | {"train.lora.quantised": True})
    assert "in q_proj, v_proj, the rest in 4 bits;" in quantised


def test_without_an_adapter_none_is_told(with_params: Change) -> None:
    told = card(with_params, {})
    assert "- Adapter" not in told
    assert "- Licence of the base: apache-2.0\n- Tuned to: a corpus" in told
