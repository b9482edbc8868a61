from pathlib import Path

import torch
from sentence_transformers import SentenceTransformer

from tests.bench.training_speed import Stopwatch, matrix_operations


def test_operations_by_hand(tiny_model: Path) -> None:
    model = SentenceTransformer(str(tiny_model), device="cpu")
    # of each of two layers: 4 x (32 x 32 + 32) around attention, 2 x 32 x 64 + 64 + 32, and two
    # norms of 2 x 32; the norm of the embeddings and the pooler come to that, the tables do not
    layer = 4 * (32 * 32 + 32) + 2 * 32 * 64 + 64 + 32 + 2 * 2 * 32
    weights = 2 * layer + 2 * 32 + 32 * 32 + 32
    assert matrix_operations(model, tokens=10) == 6 * weights * 10


def test_only_what_happens_in_a_step_counts(tiny_model: Path) -> None:
    model = SentenceTransformer(str(tiny_model), device="cpu")
    watch = Stopwatch(model)
    features = {"input_ids": torch.ones(3, 5, dtype=torch.long), "attention_mask": torch.ones(3, 5)}
    model(dict(features))
    assert watch.row(torch.device("cpu"), torch.float32) == {}
    watch.on_step_begin(None, None, None)
    model(dict(features))
    watch.on_step_end(None, None, None)
    model(dict(features))
    assert (watch.queries, watch.tokens) == (3, 15)
    assert watch.row(torch.device("cpu"), torch.float32)["share_of_peak"] > 0
