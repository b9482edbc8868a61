"""Speed and retrieval of exported variants beside torch and int8 as others make it.

python -m tests.bench.export_speed MODEL EXPORTED COLLECTION [--split test] [--documents 300]

MODEL is a sentence-transformers folder, EXPORTED the stage's output for it, COLLECTION a folder
in BEIR form. All systems take turns with the same texts and threads, one text at a time, and the
best of several rounds counts, so that other work on the machine disturbs the ratios little.
"""

import argparse
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import torch
from onnxruntime.quantization import quantize_dynamic
from sentence_transformers import SentenceTransformer

from stages.lib.core.collection import read_corpus, read_qrels, read_queries
from stages.lib.encoding.encoder import load_encoder, token_ids
from stages.lib.export.embedder import read_embedder
from stages.lib.export.runtime import open_session, run_session
from stages.lib.export.variants import pooling
from stages.lib.params import read_params
from stages.lib.search.engine import Embedded, Scorer
from stages.lib.search.metrics import ndcg

Encode = Callable[[Sequence[int]], Any]


OTHERS: dict[str, dict[str, Any]] = {
    "onnxruntime's defaults": {},
    # what export_dynamic_quantized_onnx_model hands on for "avx512_vnni"; the function itself needs
    # optimum, which cannot be installed beside transformers 5
    "sentence-transformers'": {
        "per_channel": True,
        "extra_options": {"WeightSymmetric": True, "ActivationSymmetric": False},
    },
}
"""Settings of quantize_dynamic that users had before."""


def other_int8(fp32: Path, path: Path, settings: dict[str, Any]) -> Path:
    """The graph as torch wrote it, quantised by onnxruntime with these settings."""
    graph = onnx.load(fp32)
    for node in graph.graph.node:
        if node.op_type == "Sum":
            node.op_type = "Add"
    quantize_dynamic(graph, path, **settings)
    return path


def torch_encode(model: SentenceTransformer) -> Encode:
    def run(ids: Sequence[int]) -> Any:
        row = torch.tensor([list(ids)])
        with torch.inference_mode():
            features = {"input_ids": row, "attention_mask": torch.ones_like(row)}
            return model.forward(features)["sentence_embedding"][0].numpy()

    return run


def onnx_encode(path: Path, mode: str) -> Encode:
    session, pool = open_session(path), pooling(mode)
    return lambda ids: pool(run_session(session, ids))


def rounds(systems: dict[str, Encode], texts: list[list[int]], count: int) -> dict[str, float]:
    """Seconds for all texts, the best round of each system."""
    best = dict.fromkeys(systems, float("inf"))
    for _ in range(count):
        for name, encode in systems.items():
            start = time.perf_counter()
            for ids in texts:
                encode(ids)
            best[name] = min(best[name], time.perf_counter() - start)
    return best


class Exact:
    """Cosines of vectors that are there already."""

    def __init__(self, doc_ids: list[str], vectors: Any, queries: dict[str, Any]) -> None:
        self.doc_ids = doc_ids
        self._vectors = vectors
        self._queries = queries

    def scores(self, texts: Sequence[str]) -> Any:
        return np.stack([self._queries[text] for text in texts]) @ self._vectors.T


def unit(rows: Sequence[Any]) -> Any:
    vectors = np.stack(rows)
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model", type=Path)
    parser.add_argument("exported", type=Path)
    parser.add_argument("collection", type=Path)
    parser.add_argument("--split", default="test")
    parser.add_argument("--texts", type=int, default=40)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--retrieval", action="store_true", help="nDCG@10 of each, too")
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    params = read_params(Path("params.yaml"))
    model = load_encoder(args.model, params.encoder).to("cpu").eval()
    mode = read_embedder(args.exported / "fp32").pooling
    corpus = read_corpus(args.collection / "corpus.jsonl")
    queries = read_queries(args.collection / "queries.jsonl")
    qrels = read_qrels(args.collection / "qrels" / f"{args.split}.tsv")
    documents = token_ids(model, [each.contents for each in corpus.values()])
    asked_ids = token_ids(model, list(queries.values()))
    asked = dict(zip(queries.values(), asked_ids, strict=True))
    with tempfile.TemporaryDirectory() as scratch:
        systems = {"torch fp32": torch_encode(model)}
        for variant in ("fp32", "int8"):
            systems[f"onnx {variant}"] = onnx_encode(args.exported / variant / "model.onnx", mode)
        for number, (name, settings) in enumerate(OTHERS.items()):
            path = Path(scratch) / f"{number}.onnx"
            other_int8(args.exported / "fp32" / "model.onnx", path, settings)
            systems[name] = onnx_encode(path, mode)
        step = max(1, len(documents) // args.texts)
        sample = documents[::step][: args.texts]
        by_document = rounds(systems, sample, args.rounds)
        by_query = rounds(systems, list(asked.values())[: args.texts], args.rounds)
        tokens = np.mean([len(each) for each in sample])
        print(f"{args.threads} threads, {tokens:.0f} tokens a document")
        print("system                   documents/s   ratio   ms a query   ratio   nDCG@10")
        for name, encode in systems.items():
            found = ""
            if args.retrieval:
                vectors = unit([encode(ids) for ids in documents])
                texts = [queries[query_id] for query_id in qrels]
                rows = dict(zip(texts, unit([encode(asked[text]) for text in texts]), strict=True))
                scorer: Scorer = Exact(list(corpus), vectors, rows)
                run = Embedded(scorer).search({each: queries[each] for each in qrels}, 10)
                found = f"{ndcg(run, qrels):.4f}"
            print(
                f"{name:23s} {len(sample) / by_document[name]:12.1f} "
                f"{by_document['torch fp32'] / by_document[name]:7.2f} "
                f"{1000 * by_query[name] / min(args.texts, len(asked)):12.2f} "
                f"{by_query['torch fp32'] / by_query[name]:7.2f}   {found}",
                flush=True,
            )


if __name__ == "__main__":
    main()
