"""How fast a training goes, beside what the machine could do.

python -m tests.bench.training_speed [PROJECT] [--runs 1] [--epochs 1]

PROJECT is a folder in which `dvc repro mine` has run; this one unless another is named. The stage's
own training runs on its rows, without dev, and nothing is kept of it. Printed are the texts that
went through the model a second of training steps, and the share of the peak rate: of what a large
product of matrices of the same type reaches here.
"""

import argparse
import json
import time
from pathlib import Path
from typing import Any

import torch
from sentence_transformers import SentenceTransformer
from transformers import TrainerCallback

from stages.lib.core.collection import read_corpus
from stages.lib.core.examples import read_mined
from stages.lib.encoding.encoder import device, fast_dtype, load_encoder, towers
from stages.lib.encoding.vectors import load_vectors
from stages.lib.params import read_params
from stages.lib.training.recipe import train, training_rows
from stages.lib.training.students import student

SIZE = 2048
"""Rows and columns of the matrices that measure the peak rate."""


def peak_rate(where: torch.device, dtype: torch.dtype, rounds: int = 5) -> float:
    """Operations a second of the product of two large matrices, the best of some rounds."""
    matrix = torch.ones(SIZE, SIZE, device=where, dtype=dtype)
    best = float("inf")
    for _ in range(rounds + 1):  # the first warms up
        start = time.perf_counter()
        product = matrix @ matrix
        product[0, 0].item()  # waits for a GPU
        best = min(best, time.perf_counter() - start)
    return 2 * SIZE**3 / best


def matrix_operations(model: SentenceTransformer, tokens: int) -> int:
    """Operations of the weight matrices for a forward and a backward pass over padded tokens.

    Six for each weight and token (arXiv 2001.08361); embeddings are looked up and count nothing,
    attention between short queries costs next to nothing and is left out.
    """
    tables = {id(m.weight) for m in model.modules() if isinstance(m, torch.nn.Embedding)}
    weights = sum(p.numel() for p in model.parameters() if id(p) not in tables)
    return 6 * weights * tokens


class Stopwatch(TrainerCallback):
    """Counts what goes through a model in training steps; what happens between them is left out.

    Args:
        model: what is trained.

    """

    def __init__(self, model: SentenceTransformer) -> None:
        self.queries = 0
        self.tokens = 0
        self.seconds = 0.0
        self._model = model
        self._start: float | None = None
        model.register_forward_pre_hook(self._see)

    def _see(self, _: torch.nn.Module, inputs: tuple[Any, ...]) -> None:
        if self._start is not None:
            rows, tokens = inputs[0]["input_ids"].shape
            self.queries += rows
            self.tokens += rows * tokens

    def on_step_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:  # noqa: ARG002
        self._start = time.perf_counter()

    def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:  # noqa: ARG002
        if self._start is not None:
            self.seconds += time.perf_counter() - self._start
        self._start = None

    def row(self, where: torch.device, dtype: torch.dtype) -> dict[str, Any]:
        """Texts a second and the share of the machine's peak rate; empty if nothing was trained."""
        if not self.seconds:
            return {}
        peak = peak_rate(where, dtype)
        done = matrix_operations(self._model, self.tokens)
        return {
            "device": str(where),
            "dtype": str(dtype).removeprefix("torch."),
            "seconds": round(self.seconds, 1),
            "texts_per_second": round(self.queries / self.seconds, 1),
            "peak_gflops": round(peak / 1e9),
            "share_of_peak": round(done / self.seconds / peak, 4),
        }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("project", type=Path, nargs="?", default=Path())
    parser.add_argument("--runs", type=int, default=1)
    parser.add_argument("--epochs", type=int, default=1)
    options = parser.parse_args()
    data, base = options.project / "data", options.project / "models" / "base"
    params = read_params(options.project / "params.yaml")
    short = {"runs": options.runs, "epochs": options.epochs}
    corpus = read_corpus(data / "collection" / "corpus.jsonl")
    encoder = load_encoder(towers(base)[0], params.encoder)
    mined = read_mined(data / "mined")
    vectors = load_vectors(data / "vectors" / "base", corpus)
    tuned = student(encoder, corpus, vectors, mined.train, params)
    stopwatch = Stopwatch(tuned.model)
    train(
        tuned,
        training_rows(mined, params.train, with_dev=False),
        params.encoder.query_prefix,
        params.train.model_copy(update=short),
        params.seed,
        taught=mined.taught,
        callbacks=[stopwatch],
    )
    print(json.dumps(stopwatch.row(device(), fast_dtype(device()))))


if __name__ == "__main__":
    main()
