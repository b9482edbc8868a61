"""A base model in the small."""

from pathlib import Path

from sentence_transformers import SentenceTransformer
from sentence_transformers.sentence_transformer.modules import Normalize, Pooling, Transformer
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors
from transformers import (
    AutoModelForCausalLM,
    BertConfig,
    BertModel,
    PretrainedConfig,
    PreTrainedTokenizerFast,
    set_seed,
)

WORDS = """red green blue apple pear plum car bus train dog cat bird
what is the a of how""".split()  # noqa: SIM905 - one word after the other reads best

END = "<end>"
"""The end token of the tiny language models."""


def make_tiny_model(folder: Path, seed: int = 0, width: int = 32) -> Path:
    """A sentence-transformers folder with a random BERT of 2 layers."""
    vocabulary = {word: i for i, word in enumerate(["[PAD]", "[UNK]", "[CLS]", "[SEP]", *WORDS])}
    tokenizer = Tokenizer(models.WordLevel(vocabulary, unk_token="[UNK]"))  # noqa: S106
    tokenizer.normalizer = normalizers.Lowercase()
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    set_seed(seed)
    config = BertConfig(
        vocab_size=len(vocabulary),
        hidden_size=width,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=64,
        max_position_embeddings=64,
    )
    BertModel(config).save_pretrained(folder / "transformer")
    PreTrainedTokenizerFast(  # type: ignore[no-untyped-call]
        tokenizer_object=tokenizer,
        unk_token="[UNK]",  # noqa: S106
        pad_token="[PAD]",  # noqa: S106
        cls_token="[CLS]",  # noqa: S106
        sep_token="[SEP]",  # noqa: S106
    ).save_pretrained(folder / "transformer")
    transformer = Transformer(str(folder / "transformer"), max_seq_length=32)
    model = SentenceTransformer(
        modules=[transformer, Pooling(transformer.get_embedding_dimension(), "mean"), Normalize()],
        device="cpu",
    )
    model.save(str(folder / "model"), create_model_card=False)
    return folder / "model"


def make_tiny_language_model(
    folder: Path, config: PretrainedConfig, *, names: dict[str, str] | None = None
) -> Path:
    """A plain folder of a random causal model, as hubs have it: no pooling, nothing appended.

    Args:
        folder: gets the files.
        config: of the kind.
        names: the special tokens that the tokenizer names; END for the end unless given.

    """
    vocabulary = {word: i for i, word in enumerate(["[UNK]", END, *WORDS])}
    tokenizer = Tokenizer(models.WordLevel(vocabulary, unk_token="[UNK]"))  # noqa: S106
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    set_seed(0)
    AutoModelForCausalLM.from_config(config).save_pretrained(folder)  # type: ignore[no-untyped-call]
    PreTrainedTokenizerFast(  # type: ignore[no-untyped-call]
        tokenizer_object=tokenizer, **({"eos_token": END} if names is None else names)
    ).save_pretrained(folder)
    return folder
