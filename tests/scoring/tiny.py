"""Causal language models in the small."""

from pathlib import Path

from tokenizers import Tokenizer, models, pre_tokenizers
from transformers import (
    GPT2Config,
    GPT2LMHeadModel,
    LlamaConfig,
    LlamaForCausalLM,
    PreTrainedTokenizerFast,
    set_seed,
)

from tests.tiny import WORDS


def make_tiny_causal(folder: Path, kind: str) -> Path:
    """A folder with random weights of 2 layers: `llama` has relative positions, `gpt2` absolute."""
    vocabulary = {word: i for i, word in enumerate(["[UNK]", *WORDS])}
    tokenizer = Tokenizer(models.WordLevel(vocabulary, unk_token="[UNK]"))  # noqa: S106
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    PreTrainedTokenizerFast(  # type: ignore[no-untyped-call]
        tokenizer_object=tokenizer,
        unk_token="[UNK]",  # noqa: S106
    ).save_pretrained(folder)
    set_seed(0)
    if kind == "llama":
        config = LlamaConfig(
            vocab_size=len(vocabulary),
            hidden_size=32,
            intermediate_size=64,
            num_hidden_layers=2,
            num_attention_heads=2,
            max_position_embeddings=64,
            initializer_range=0.3,
        )
        LlamaForCausalLM(config).save_pretrained(folder)
        return folder
    small = GPT2Config(
        vocab_size=len(vocabulary),
        n_embd=32,
        n_layer=2,
        n_head=2,
        n_positions=64,
        initializer_range=0.3,
    )
    GPT2LMHeadModel(small).save_pretrained(folder)
    return folder
