"""Tiny models: a real BERT of one layer with random weights, and its export to ONNX."""

import json
from pathlib import Path
from typing import Any

import torch
from sentence_transformers import SentenceTransformer
from sentence_transformers.sentence_transformer.modules import Normalize, Pooling, Transformer
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors
from transformers import BertConfig, BertModel, PreTrainedTokenizerFast

SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]"]
MAX_TOKENS = 64


def write_model(folder: Path, words: list[str], seed: int = 1, dimension: int = 16) -> Path:
    """A sentence-transformers folder whose weights depend on the seed."""
    vocabulary = {word: index for index, word in enumerate(SPECIAL + sorted(set(words)))}
    tokenizer = Tokenizer(models.WordLevel(vocabulary, unk_token="[UNK]"))  # noqa: S106
    tokenizer.normalizer = normalizers.Lowercase()
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    torch.manual_seed(seed)
    config: Any = BertConfig(
        vocab_size=len(vocabulary),
        hidden_size=dimension,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=32,
        initializer_range=1.0,
        max_position_embeddings=MAX_TOKENS,
    )
    raw = folder.with_name(f"{folder.name}.transformer")
    BertModel(config).save_pretrained(raw)
    fast: Any = PreTrainedTokenizerFast
    fast(
        tokenizer_object=tokenizer,
        pad_token="[PAD]",  # noqa: S106
        unk_token="[UNK]",  # noqa: S106
        cls_token="[CLS]",  # noqa: S106
        sep_token="[SEP]",  # noqa: S106
        model_max_length=MAX_TOKENS,
        model_input_names=["input_ids", "attention_mask"],
    ).save_pretrained(raw)
    transformer = Transformer(str(raw), max_seq_length=MAX_TOKENS)
    SentenceTransformer(
        modules=[transformer, Pooling(dimension, "mean"), Normalize()], device="cpu"
    ).save(str(folder))
    return folder


class LastHiddenState(torch.nn.Module):
    """BERT with the one output that Vespa's embedder pools."""

    def __init__(self, bert: BertModel) -> None:
        super().__init__()
        self.bert = bert

    def forward(self, input_ids: torch.Tensor, attention_mask: torch.Tensor) -> torch.Tensor:
        hidden: torch.Tensor = self.bert(
            input_ids=input_ids, attention_mask=attention_mask
        ).last_hidden_state
        return hidden


def export_model(model: Path, folder: Path, query: str = "", document: str = "") -> Path:
    """The model in the form that the export stage writes, as the variant fp32."""
    target = folder / "fp32"
    target.mkdir(parents=True, exist_ok=True)
    encoder = SentenceTransformer(str(model), device="cpu")
    transformer: Any = encoder[0]
    # the exporter would trace the other kinds of attention into constants
    transformer.auto_model.set_attn_implementation("eager")
    bert = LastHiddenState(transformer.auto_model.eval())
    batch = encoder.tokenizer(["a b", "a"], padding=True, return_tensors="pt")
    axes = {0: "batch", 1: "sequence"}
    torch.onnx.export(
        bert,
        (batch["input_ids"], batch["attention_mask"]),
        str(target / "model.onnx"),
        input_names=["input_ids", "attention_mask"],
        output_names=["last_hidden_state"],
        dynamic_axes=dict.fromkeys(["input_ids", "attention_mask", "last_hidden_state"], axes),
        dynamo=False,
    )
    backend = encoder.tokenizer.backend_tokenizer
    backend.no_truncation()
    backend.no_padding()
    backend.save(str(target / "tokenizer.json"))
    settings = {
        "variant": "fp32",
        "dimension": encoder.get_embedding_dimension(),
        "max_tokens": MAX_TOKENS,
        "pooling": "mean",
        "normalize": True,
        "query_prefix": query,
        "document_prefix": document,
        "token_type_ids": False,
        "output": "last_hidden_state",
    }
    (target / "embedder.json").write_text(json.dumps(settings), encoding="utf-8")
    return folder
