"""Language models as encoders, of kinds that turn positions and of one that counts them."""

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from sentence_transformers import SentenceTransformer
from tokenizers import Tokenizer
from transformers import GPT2Config, LlamaConfig, PretrainedConfig, Qwen2Config

from stages.lib.encoding.encoder import encode, load_encoder
from stages.lib.encoding.portable import standardise
from stages.lib.errors import UserError
from tests.conftest import Change
from tests.tiny import END, WORDS, make_tiny_language_model

SIZES: dict[str, Any] = {
    "vocab_size": len(WORDS) + 2,
    "hidden_size": 32,
    "intermediate_size": 64,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "max_position_embeddings": 64,
    "eos_token_id": 1,
    "bos_token_id": None,
}
KINDS: dict[str, PretrainedConfig] = {
    "Llama": LlamaConfig(**SIZES),
    "Qwen2": Qwen2Config(**SIZES),
    "GPT-2": GPT2Config(
        vocab_size=len(WORDS) + 2, n_embd=32, n_layer=2, n_head=4, n_positions=64, eos_token_id=1
    ),
}
TEXTS = ["red apple", "what is the color of a plum", "a dog and a cat on the bus " * 9, "bird"]


@pytest.fixture(params=KINDS)
def plain(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    return make_tiny_language_model(tmp_path / "plain", KINDS[request.param])


def by_hand(plain: Path, text: str) -> np.ndarray[tuple[int], np.dtype[np.float32]]:
    """The end token's last state, for one text without padding."""
    from transformers import AutoModel, AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(plain)
    model = AutoModel.from_pretrained(plain).eval()
    ids = tokenizer.backend_tokenizer.encode(text, add_special_tokens=False).ids[:15]
    with torch.inference_mode():
        states = model(input_ids=torch.tensor([[*ids, tokenizer.convert_tokens_to_ids(END)]]))
    vector: np.ndarray[tuple[int], np.dtype[np.float32]] = states.last_hidden_state[0, -1].numpy()
    return vector / np.linalg.norm(vector)


@pytest.mark.parametrize("side", ["right", "left"])
def test_the_end_token_stands_for_the_text(plain: Path, with_params: Change, side: str) -> None:
    wanted = np.stack([by_hand(plain, text) for text in TEXTS])
    standardise(plain, 16)
    standardise(plain, 16)  # a second time changes nothing
    model = load_encoder(plain, with_params({"encoder.max_length": 16}).encoder)
    assert (model.tokenizer.pad_token, model.tokenizer.padding_side) == (END, "right")
    transformer: Any = model[0].auto_model
    if isinstance(transformer.config, GPT2Config) and side == "left":
        pytest.skip("positions that are counted begin at the padding, so that it has to be right")
    model.tokenizer.padding_side = side
    assert (encode(model, TEXTS) * wanted).sum(axis=1).min() > 0.999
    again = SentenceTransformer(str(plain), device="cpu")
    again.tokenizer.padding_side = side
    found = again.encode(TEXTS, normalize_embeddings=True)
    assert (found * wanted).sum(axis=1).min() > 0.9999


@pytest.mark.parametrize("kind", ["none", "template", "bytes", "bytes and template", "ends"])
def test_the_end_token_follows_what_a_tokenizer_does_anyway(tmp_path: Path, kind: str) -> None:
    folder = make_tiny_language_model(tmp_path / "plain", KINDS["Llama"])
    path = folder / "tokenizer.json"
    tokenizer = json.loads(path.read_text())
    sequence = {"Sequence": {"id": "A", "type_id": 0}}
    start = {"SpecialToken": {"id": "red", "type_id": 0}}
    template = {
        "type": "TemplateProcessing",
        "single": [start, sequence],
        "pair": [sequence, {"Sequence": {"id": "B", "type_id": 0}}],
        "special_tokens": {"red": {"id": "red", "ids": [2], "tokens": ["red"]}},
    }
    level = {"type": "ByteLevel", "add_prefix_space": True, "trim_offsets": True, "use_regex": True}
    ends = {
        "single": [sequence, {"SpecialToken": {"id": END, "type_id": 0}}],
        "special_tokens": {END: {"id": END, "ids": [1], "tokens": [END]}},
    }
    tokenizer["post_processor"] = {
        "none": None,
        "template": template,
        "bytes": level,
        "bytes and template": {"type": "Sequence", "processors": [level, template]},
        "ends": template | ends,
    }[kind]
    path.write_text(json.dumps(tokenizer))
    before = Tokenizer.from_file(str(path)).encode("blue bird").tokens
    standardise(folder, 16)
    after = Tokenizer.from_file(str(path)).encode("blue bird").tokens
    assert after == [*(token for token in before if token != END), END]


def test_the_end_token_may_be_named_by_its_number(tmp_path: Path) -> None:
    folder = make_tiny_language_model(tmp_path / "plain", KINDS["Llama"], names={})
    standardise(folder, 16)
    assert Tokenizer.from_file(str(folder / "tokenizer.json")).encode("blue").tokens[-1] == END


def test_without_an_end_token(tmp_path: Path) -> None:
    folder = make_tiny_language_model(tmp_path / "plain", KINDS["Llama"], names={})
    config = json.loads((folder / "config.json").read_text()) | {"eos_token_id": None}
    (folder / "config.json").write_text(json.dumps(config))
    with pytest.raises(UserError, match="its tokenizer names no end token, whose vector would"):
        standardise(folder, 16)


def test_nothing_to_pad_with(tiny_model: Path, tmp_path: Path, with_params: Change) -> None:
    folder = tmp_path / "model"
    shutil.copytree(tiny_model, folder)
    path = folder / "tokenizer_config.json"
    config = json.loads(path.read_text())
    path.write_text(json.dumps({k: v for k, v in config.items() if k != "pad_token"}))
    with pytest.raises(UserError, match="names no token to pad with; set pad_token in"):
        load_encoder(folder, with_params({"encoder.max_length": 16}).encoder)
