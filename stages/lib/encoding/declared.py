"""What a sentence-transformers folder says of itself: its modules, its pooling and its prompts."""

from pathlib import Path
from typing import Any

from stages.lib.core.files import read_json
from stages.lib.encoder_params import Encoder
from stages.lib.errors import UserError

CONFIG = "config_sentence_transformers.json"

ROUTER = "router_config.json"
"""Sentence-transformers' record of which module of a model encodes which side."""

SIDES = ("query", "document")

SERVED = {"mean", "cls"}
"""The poolings that servers know."""

OLD_KEYS = {"pooling_mode_mean_tokens": "mean", "pooling_mode_cls_token": "cls"}
"""How folders of earlier versions name them; other keys of that form name other poolings."""

WEIGHTS = ("model.safetensors", "pytorch_model.bin")


def check_modules(folder: Path, *, pooled: bool) -> None:
    """Checks that no module lacks its weights, and that servers know what the model ends in.

    Args:
        folder: the model's.
        pooled: whether its graph will pool by itself, so that servers need not.

    Raises:
        UserError: a Dense module without weights, or a pooling that takes `export.pooled`.

    """
    if not (folder / "modules.json").is_file():
        return
    modules = read_json(folder / "modules.json")
    kinds = [str(module["type"]).rsplit(".", 1)[-1] for module in modules]
    if modules[0]["type"].startswith("sentence_transformers.") and kinds[0] != "Transformer":
        raise UserError(
            f"base.model: the model begins with {kinds[0]}; only transformers with one vector a "
            "text can be tuned here, not static or sparse embeddings: choose another model"
        )
    for module, kind in zip(modules, kinds, strict=True):
        place = folder / module["path"]
        if kind == "Dense" and not any((place / name).is_file() for name in WEIGHTS):
            raise UserError(
                f"base.model: its module {module['path']} has no weights (none of "
                f"{', '.join(WEIGHTS)}); fetch the model again"
            )
    faults = []
    # what stands before the pooling works on token vectors, which the graph holds
    first = kinds.index("Pooling") if "Pooling" in kinds else 1
    for module, kind in list(zip(modules, kinds, strict=True))[first:]:
        if kind == "Pooling":
            faults += sorted(_poolings(read_json(folder / module["path"] / "config.json")) - SERVED)
        elif kind != "Normalize":
            faults.append(kind)
    if faults and not pooled:
        raise UserError(
            f"base.model: the model ends in {', '.join(faults)}, which servers cannot do; set "
            "export.pooled to true, so that the graph does it"
        )


def _poolings(config: dict[str, Any]) -> set[str]:
    mode = config.get("pooling_mode")
    if mode:
        return {mode} if isinstance(mode, str) else set(mode)
    old = [key for key, on in config.items() if key.startswith("pooling_mode_") and on]
    names = {OLD_KEYS.get(key, key.removeprefix("pooling_mode_")) for key in old}
    # several are joined into one vector, which is none of those that servers know
    return names if len(names) < 2 else {" and ".join(sorted(names))}


def prompts_message(folder: Path, params: Encoder) -> str:
    """What to tell the user where a model's prompts are not the prefixes in use; else empty."""
    config = read_json(folder / CONFIG) if (folder / CONFIG).is_file() else {}
    prompts = config.get("prompts") or {}
    default = prompts.get(config.get("default_prompt_name") or "")
    declared = {
        "query_prefix": prompts.get("query", default),
        "document_prefix": prompts.get("document", prompts.get("passage")),
    }
    apart = [
        f"encoder.{key} is {getattr(params, key)!r}, but the model's own prompt is {prompt!r}"
        for key, prompt in declared.items()
        if prompt and prompt != getattr(params, key)
    ]
    if not apart:
        return ""
    return f"{'; '.join(apart)}: the prefixes in params.yaml are used, so set them to its prompts"
