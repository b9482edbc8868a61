"""Language models as encoders: the vector of the end token stands for the text.

A causal model sees at each token what came before it, so that the last token alone has seen all.
That token has to be one that ends every text, also one that was cut: the tokenizer appends it, in
tokenizer.json, where torch, ONNX Runtime and servers alike find it.
"""

import json
from pathlib import Path
from typing import Any

from tokenizers import Tokenizer

from stages.lib.core.files import read_json, write_json
from stages.lib.errors import UserError


def is_causal(folder: Path) -> bool:
    """Whether a plain transformer is a language model that writes from left to right."""
    architectures = read_json(folder / "config.json").get("architectures") or []
    return any(str(name).endswith(("ForCausalLM", "LMHeadModel")) for name in architectures)


def end_texts(folder: Path) -> None:
    """Lets a language model's tokenizer end every text with the end token, and pad on the right.

    On the right, no token sees the padding, whatever counts positions. The padding may be the end
    token: the mask tells them apart.

    Raises:
        UserError: the tokenizer names no end token.

    """
    path = folder / "tokenizer.json"
    if not path.is_file():  # refused for that, with other models
        return
    tokenizer = Tokenizer.from_file(str(path))
    end = _special(folder, "eos_token") or _by_id(folder, tokenizer)
    number = None if end is None else tokenizer.token_to_id(end)
    if end is None or number is None:
        raise UserError(
            "base.model: its tokenizer names no end token, whose vector would stand for the text; "
            "set eos_token in tokenizer_config.json, or choose another model"
        )
    if tokenizer.encode("a").ids[-1] != number:
        written = read_json(path)
        written["post_processor"] = _ending(written.get("post_processor"), end, number)
        path.write_text(json.dumps(written, ensure_ascii=False), encoding="utf-8")
    place = folder / "tokenizer_config.json"
    config = read_json(place) if place.is_file() else {}
    pad = _special(folder, "pad_token") or end
    write_json(place, config | {"eos_token": end, "pad_token": pad, "padding_side": "right"})


def _special(folder: Path, name: str) -> str | None:
    """A special token, which files of earlier versions describe at length or apart."""
    for file in ("tokenizer_config.json", "special_tokens_map.json"):
        if (folder / file).is_file():
            token = read_json(folder / file).get(name)
            if token:
                return str(token["content"] if isinstance(token, dict) else token)
    return None


def _by_id(folder: Path, tokenizer: Tokenizer) -> str | None:
    """The end token that the model's own settings name by its number, or the first of several."""
    found = read_json(folder / "config.json").get("eos_token_id")
    number = found[0] if isinstance(found, list) and found else found
    return tokenizer.id_to_token(number) if isinstance(number, int) else None


def _ending(processor: dict[str, Any] | None, end: str, number: int) -> dict[str, Any]:
    """A post-processor that does what the given one does, and then appends the token."""
    token = {"SpecialToken": {"id": end, "type_id": 0}}
    named = {end: {"id": end, "ids": [number], "tokens": [end]}}
    if processor and processor["type"] == "TemplateProcessing":
        return processor | {
            "single": [*processor["single"], token],
            "special_tokens": processor["special_tokens"] | named,
        }
    if processor and processor["type"] == "Sequence":
        *before, last = processor["processors"]
        if last["type"] == "TemplateProcessing":
            return processor | {"processors": [*before, _ending(last, end, number)]}
        return processor | {"processors": [*before, last, _ending(None, end, number)]}
    text, second = ({"Sequence": {"id": name, "type_id": 0}} for name in "AB")
    template = {
        "type": "TemplateProcessing",
        "single": [text, token],
        "pair": [text, second],
        "special_tokens": named,
    }
    if processor is None:
        return template
    return {"type": "Sequence", "processors": [processor, template]}
