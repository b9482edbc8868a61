"""Measures what exported variants and vector types cost in quality, beside torch and float32."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from stages.lib.core.collection import Corpus
from stages.lib.evaluation.comparison import Basis, Evaluation, search
from stages.lib.export.folder import load_exported
from stages.lib.params import Params
from stages.lib.search.engine import Dense, Embedded, Run
from stages.lib.search.measures import HEADLINE
from stages.lib.search.metrics import ndcg
from stages.lib.search.vector_types import typed

SYSTEM = "tuned"
"""The system that is served."""

TORCH = "torch"
"""The name of the model before its export, among those of its variants."""

DEPTH = 10
POOL = 20
"""fp32 and fp16 are so near to torch that their first ten lie among this many of its first."""


@dataclass(frozen=True, slots=True)
class Serving:
    """The tuned model's figures as it may be served, and which of its variants may be.

    The verdicts are the export's, by dev; figures on test overturn none.
    Each field has rows by name: figures by variant, verdicts by variant, figures by vector type.
    """

    variants: dict[str, dict[str, Any]]
    verdicts: dict[str, dict[str, Any]]
    vector_types: dict[str, dict[str, Any]]

    def summary(self) -> dict[str, Any]:
        """The figures, without the verdicts."""
        return {"variants": self.variants, "vector_types": self.vector_types}

    def plot(self) -> list[dict[str, Any]]:
        """Rows for a plot: a type of vectors each, with its bytes in its name."""
        return [
            {"vector_type": f"{name}: {row['bytes']} bytes"} | row
            for name, row in self.vector_types.items()
        ]


def measure_serving(
    evaluation: Evaluation,
    corpus: Corpus,
    dense: Dense,
    onnx: Path,
    vectors: Path,
    exports: Mapping[str, Any],
    params: Params,
) -> Serving:
    """The exported variants and types of vectors of the system that is served.

    Args:
        evaluation: the evaluation.
        corpus: that it searched.
        dense: the system's search by torch.
        onnx: the exported model.
        vectors: torch's vectors of the corpus.
        exports: metrics of the export, for verdicts, parity and bytes.
        params: all parameters.

    """
    variants = compare_variants(evaluation, corpus, onnx, vectors, exports, params)
    return Serving(variants, exports["gate"], compare_types(dense, corpus, evaluation.basis))


def pooled(run: Run, corpus: Corpus) -> Corpus:
    """The documents that may be among the first ten of a variant close to this run's system."""
    wanted = {doc_id for ranking in run.values() for doc_id in list(ranking)[:POOL]}
    return {doc_id: document for doc_id, document in corpus.items() if doc_id in wanted}


def compare_variants(
    evaluation: Evaluation,
    corpus: Corpus,
    onnx: Path,
    vectors: Path,
    exports: Mapping[str, Any],
    params: Params,
) -> dict[str, dict[str, Any]]:
    """nDCG@10 of torch and of every exported variant over the same queries, with parity and bytes.

    A variant that was evaluated as a system over the whole corpus is taken from there. The others
    search only the documents at torch's first ranks, which changes no nDCG@10 as long as their
    cosines to torch pass the gate.
    """
    pool = pooled(evaluation.runs[SYSTEM], corpus)
    rows: dict[str, dict[str, Any]] = {TORCH: {HEADLINE: round(evaluation.headline(SYSTEM), 6)}}
    for variant in exports["gate"]:
        if variant in evaluation.scores:
            score = evaluation.headline(variant)
        else:
            engine = Embedded(load_exported(pool, onnx, variant, vectors, params))
            score = ndcg(
                search(engine, pool, evaluation.basis, DEPTH), evaluation.basis.split.qrels
            )
        towers = [tower[variant] for tower in exports["parity"].values()]
        rows[variant] = {
            HEADLINE: round(score, 6),
            "min_cosine": min(tower["min_cosine"] for tower in towers),
            "bytes": sum(tower["bytes"] for tower in towers),
        }
    return rows


def compare_types(dense: Dense, corpus: Corpus, basis: Basis) -> dict[str, dict[str, Any]]:
    """Bytes a document and nDCG@10 of each way to store a model's vectors, largest first."""
    return {
        kind.name: {
            "bytes": kind.bytes,
            HEADLINE: round(
                ndcg(search(Embedded(scorer), corpus, basis, DEPTH), basis.split.qrels), 6
            ),
        }
        for kind, scorer in typed(dense)
    }
