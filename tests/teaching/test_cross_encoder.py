from pathlib import Path

import numpy as np
import pytest
import torch
from transformers import AutoTokenizer, BertConfig, BertForSequenceClassification, set_seed

from stages.lib.core.collection import Corpus, Document, Queries
from stages.lib.errors import UserError
from stages.lib.params import Params
from stages.lib.search.engine import Run
from stages.lib.teaching.cross_encoder import Reranker
from tests.conftest import Change
from tests.tiny import WORDS

CORPUS: Corpus = {
    "apple": Document("apple", "", "red apple"),
    "car": Document("car", "", "blue car"),
    "dog": Document("dog", "", "a dog"),
}


class First:
    """A teacher with a given ranking."""

    name = "first"

    def rank(self, queries: Queries) -> Run:
        return {query_id: {"apple": 3.0, "car": 1.0, "dog": 0.5} for query_id in queries}


def make_cross_encoder(folder: Path, tokenizer: Path, labels: int = 1) -> Path:
    """A random BERT that grades a pair."""
    set_seed(3)
    config = BertConfig(
        vocab_size=len(WORDS) + 4,
        hidden_size=32,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=64,
        max_position_embeddings=64,
    )
    config.num_labels = labels
    model = BertForSequenceClassification(config)
    # random logits are so close to each other that bfloat16 would not tell them apart
    model.classifier.weight.data *= 100
    model.save_pretrained(folder)
    AutoTokenizer.from_pretrained(tokenizer).save_pretrained(folder)
    return folder


@pytest.fixture
def settings(with_params: Change) -> Params:
    return with_params({"mine.cross_encoder_tokens": 32, "mine.cross_encoder_depth": 2})


def test_the_head_is_graded_by_the_model_and_keeps_mean_and_spread(
    tiny_model: Path, tmp_path: Path, settings: Params
) -> None:
    folder = make_cross_encoder(tmp_path / "cross", tiny_model)
    teacher = Reranker("cross-encoder", folder, CORPUS, First(), settings.mine)
    ranking = teacher.rank({"q": "what is red"})["q"]
    # two scores with mean 2 and deviation 1 can only be 3 and 1; the model says which is first
    assert list(ranking.values()) == pytest.approx([3.0, 1.0])
    model = BertForSequenceClassification.from_pretrained(folder)
    tokenizer = AutoTokenizer.from_pretrained(folder)
    pairs = [("what is red", CORPUS[doc_id].contents) for doc_id in ("apple", "car")]
    with torch.inference_mode():
        logits = model(**tokenizer(pairs, padding=True, return_tensors="pt")).logits[:, 0]
    assert next(iter(ranking)) == ("apple", "car")[int(np.argmax(logits.numpy()))]


def test_what_is_no_teacher_is_refused(tiny_model: Path, tmp_path: Path, settings: Params) -> None:
    with pytest.raises(UserError, match=r"mine\.cross_encoder: not a cross-encoder"):
        Reranker("cross-encoder", tmp_path, CORPUS, First(), settings.mine)
    folder = make_cross_encoder(tmp_path / "cross", tiny_model, labels=3)
    with pytest.raises(UserError, match="3 scores a pair; a teacher needs one"):
        Reranker("cross-encoder", folder, CORPUS, First(), settings.mine)
