import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

os.environ["HF_HUB_OFFLINE"] = "1"

from sentence_transformers import SentenceTransformer
from sentence_transformers.sentence_transformer.modules import Normalize, Pooling, Transformer
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors
from transformers import BertConfig, BertModel, PreTrainedTokenizerFast, set_seed

from stages.lib.params import Params, read_params
from tests.imports import ROOT as ROOT

WORDS = """red green blue apple pear plum car bus train dog cat bird
what is the a of how""".split()  # noqa: SIM905 - one word after the other reads best

Change = Callable[[dict[str, Any]], Params]
"""Makes parameters that differ from the committed ones in the values given, by dotted key."""


@pytest.fixture
def params() -> Params:
    return read_params(ROOT / "params.yaml")


@pytest.fixture
def with_params(tmp_path: Path) -> Change:
    """The committed parameters with some changed, by dotted key."""

    def change(changes: dict[str, Any]) -> Params:
        loaded = yaml.safe_load((ROOT / "params.yaml").read_text())
        for key, value in changes.items():
            *sections, name = key.split(".")
            place = loaded
            for section in sections:
                place = place[section]
            place[name] = value
        path = tmp_path / "params.yaml"
        path.write_text(yaml.safe_dump(loaded))
        return read_params(path)

    return change


@pytest.fixture(scope="session")
def tiny_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A sentence-transformers folder with a random BERT of 2 layers and 32 dimensions."""
    return make_tiny_model(tmp_path_factory.mktemp("tiny"))


def make_tiny_model(folder: Path, seed: int = 0) -> Path:
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
        hidden_size=32,
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
