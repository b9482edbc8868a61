"""Settings as published models have them, at small size: lengths, padding, types, prompts.

The values are those of config.json, tokenizer_config.json and config_sentence_transformers.json of
the models named; sizes alone are smaller.
"""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from tokenizers import Tokenizer, models, pre_tokenizers, processors
from transformers import AutoConfig, AutoModel, PreTrainedTokenizerFast, set_seed

from stages.lib.encoder_params import Encoder
from stages.lib.encoding.declared import CONFIG, prompts_message
from stages.lib.encoding.encoder import encode, load_encoder
from stages.lib.encoding.portable import standardise
from stages.lib.errors import UserError
from tests.tiny import WORDS

SMALL = {"hidden_size": 32, "intermediate_size": 64, "num_attention_heads": 2, "vocab_size": 32}
ROBERTA: dict[str, Any] = SMALL | {
    "model_type": "xlm-roberta",
    "architectures": ["XLMRobertaModel"],
    "num_hidden_layers": 2,
    "bos_token_id": 0,
    "pad_token_id": 1,
    "eos_token_id": 2,
    "layer_norm_eps": 1e-05,
    "output_past": True,
    "position_embedding_type": "absolute",
    "type_vocab_size": 1,
}
SETTINGS: dict[str, dict[str, Any]] = {
    "multilingual-e5-large": ROBERTA
    | {"max_position_embeddings": 514, "torch_dtype": "float16", "classifier_dropout": None},
    "bge-m3": ROBERTA | {"max_position_embeddings": 8194, "torch_dtype": "float32"},
    "embeddinggemma-300m": SMALL
    | {
        "model_type": "gemma3_text",
        "architectures": ["Gemma3TextModel"],
        "_sliding_window_pattern": 6,
        "layer_types": ["sliding_attention"] * 5 + ["full_attention"],
        "num_hidden_layers": 6,
        "num_key_value_heads": 1,
        "head_dim": 16,
        "hidden_activation": "gelu_pytorch_tanh",
        "max_position_embeddings": 2048,
        "pad_token_id": 0,
        "eos_token_id": 1,
        "bos_token_id": 2,
        "rope_local_base_freq": 10000.0,
        "rope_theta": 1000000.0,
        "sliding_window": 257,
        "use_bidirectional_attention": True,
        "dtype": "float32",
    },
}
LONGEST = {"multilingual-e5-large": 512, "bge-m3": 8192, "embeddinggemma-300m": 2048}

PROMPTS: dict[str, dict[str, Any]] = {
    "embeddinggemma-300m": {
        "prompts": {
            "query": "task: search result | query: ",
            "document": "title: none | text: ",
            "BitextMining": "task: search result | query: ",
            "Retrieval-query": "task: search result | query: ",
            "Retrieval-document": "title: none | text: ",
            "STS": "task: sentence similarity | query: ",
        },
        "default_prompt_name": None,
    },
    "Qwen3-Embedding-0.6B": {
        "prompts": {
            "query": "Instruct: Given a web search query, retrieve relevant passages that answer "
            "the query\nQuery:",
            "document": "",
        },
        "default_prompt_name": None,
    },
    # its prompts stand in its card alone
    "multilingual-e5-large": {"__version__": {"sentence_transformers": "2.4.0.dev0"}},
}


def published(name: str, folder: Path) -> Path:
    """A plain folder with the model's settings and small random weights."""
    settings = SETTINGS[name]
    folder.mkdir()
    (folder / "config.json").write_text(json.dumps(settings))
    set_seed(0)
    config = AutoConfig.from_pretrained(folder)
    model = AutoModel.from_config(config)  # type: ignore[no-untyped-call]
    kept = settings.get("torch_dtype", "float32")
    model.to(getattr(torch, kept)).save_pretrained(folder)
    (folder / "config.json").write_text(json.dumps(settings))
    ids = {settings[f"{kind}_token_id"]: f"<{kind}>" for kind in ("bos", "pad", "eos")}
    words = [*(ids[number] for number in range(3)), "<unk>", *WORDS]
    vocabulary = {word: number for number, word in enumerate(words)}
    tokenizer = Tokenizer(models.WordLevel(vocabulary, unk_token="<unk>"))  # noqa: S106
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    ends = [(word, vocabulary[word]) for word in ("<bos>", "<eos>")]
    tokenizer.post_processor = processors.TemplateProcessing("<bos> $A <eos>", special_tokens=ends)
    named = {f"{kind}_token": f"<{kind}>" for kind in ("bos", "pad", "eos", "unk")}
    PreTrainedTokenizerFast(tokenizer_object=tokenizer, **named).save_pretrained(folder)  # type: ignore[no-untyped-call]
    return folder


@pytest.mark.parametrize("name", SETTINGS)
def test_lengths_types_and_padding_of_published_settings(name: str, tmp_path: Path) -> None:
    folder, longest = published(name, tmp_path / "model"), LONGEST[name]
    standardise(folder, longest)
    plain = Encoder(max_length=longest, query_prefix="", document_prefix="")
    model = load_encoder(folder, plain)
    assert {weight.dtype for weight in model.parameters()} == {torch.float32}
    short, long = "red apple", "what is the color of a plum " * 4
    alone = encode(model, [short])
    np.testing.assert_allclose(encode(model, [short, long])[:1], alone, atol=2e-2)
    # a text of as many tokens as it takes is read to its end
    full = ("a " * longest).strip()
    if longest < 1000:
        assert np.isfinite(encode(model, [full])).all()
    with pytest.raises(UserError, match=f"{longest + 1} is more than the {longest} tokens"):
        load_encoder(folder, plain.model_copy(update={"max_length": longest + 1}))


@pytest.mark.parametrize("name", PROMPTS)
def test_prompts_of_published_settings_are_told_until_they_are_set(
    name: str, tmp_path: Path
) -> None:
    (tmp_path / CONFIG).write_text(json.dumps(PROMPTS[name]))
    plain = Encoder(max_length=256, query_prefix="", document_prefix="")
    told = prompts_message(tmp_path, plain)
    asked = {
        f"{side}_prefix": PROMPTS[name].get("prompts", {}).get(side, "")
        for side in ("query", "document")
    }
    for key, prompt in asked.items():
        assert (f"encoder.{key} is ''" in told) == bool(prompt)
        assert repr(prompt) in told or not prompt
    assert prompts_message(tmp_path, plain.model_copy(update=asked)) == ""
