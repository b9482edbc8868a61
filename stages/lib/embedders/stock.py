"""Embedders as they come, measured on dev: what tuning has to be better than."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from stages.lib.evidence import Evidence
from stages.lib.params import Params
from stages.lib.search.engine import Dense
from stages.lib.search.vector_types import stored_type
from stages.lib.search.weights import Floats

BASE = "base"
DOCUMENTS = "documents"
"""The name of documents.model among them."""
ADAPTED = "adapted"
"""The name of documents.model with an adapter behind its queries."""


@dataclass(frozen=True, slots=True)
class Stock:
    """An untuned embedder.

    Args:
        name: in tables and metrics.
        model: its name on the hub or at the endpoint, or its folder.
        licence: as its card names it.
        dense: its search.
        evidence: what it reaches on dev.

    """

    name: str
    model: str
    licence: str
    dense: Dense
    evidence: Evidence

    def row(self, base: "Stock", params: Params) -> dict[str, Any]:
        """Its line in the table of bases.

        nDCG@10 by dev set, dense and with BM25, with the difference to the base and half of its
        95% interval; the dimensions, the bytes that a document's vector takes as it is stored, and
        the licence.
        """
        width = self.dense.vectors.shape[1]
        return {
            "name": self.name,
            "model": self.model,
            "dense": _beside(self.evidence.dense, base.evidence.dense),
            "served": _beside(self.evidence.served, base.evidence.served),
            "dense_weight": self.evidence.weight.dense,
            "dimensions": width,
            "bytes": stored_type(width, params.package).bytes,
            "licence": self.licence,
        }


def _beside(values: Mapping[str, Floats], base: Mapping[str, Floats]) -> dict[str, Any]:
    rows = {}
    for name, of_stock in values.items():
        deltas = of_stock - base[name]
        error = float(np.std(deltas, ddof=1)) / math.sqrt(len(deltas)) if len(deltas) > 1 else 0.0
        rows[name] = {
            "ndcg_cut_10": round(float(of_stock.mean()), 6),
            "difference": round(float(deltas.mean()), 6),
            "half_interval": round(1.96 * error, 6),
            "n": len(deltas),
        }
    return rows
