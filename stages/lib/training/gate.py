"""The gate of the model as a whole: what dev knows against deploying it."""

import math

import numpy as np

from stages.lib.core.verdict import Verdict
from stages.lib.evidence import DEPTH, DevSet, Evidence
from stages.lib.search.engine import Embedded, Scorer
from stages.lib.search.weights import by_query
from stages.lib.training.choice import Standing

FEWEST = 10
"""Dev queries below which nobody can tell that a model is no worse."""


def judge(chosen: Standing, base: Evidence, sets: list[DevSet], lexical: Scorer) -> Verdict:
    """The verdict on what ships, beside the best that needs no tuning.

    Refused where dev has too few queries to tell, and where people's queries (or those that a
    language model judged) put BM25, the base or the base with BM25 above it, beyond chance. Known
    answers of generated queries refuse nothing: they flatter the base.

    Args:
        chosen: what ships.
        base: what dev says of the base.
        sets: the dev sets, the most trusted first.
        lexical: BM25.

    """
    dev = max(sets, key=lambda one: len(one.split.qrels) >= FEWEST)
    queries = len(dev.split.qrels)
    if queries < FEWEST:
        return Verdict(
            False,
            f"{queries} {dev.name} dev queries are too few to tell whether the model is better: "
            "write queries for more documents, or judge some",
        )
    if dev.name == "synthetic":
        return Verdict(True, "")
    asked = {query_id: dev.split.queries[query_id] for query_id in sorted(dev.split.qrels)}
    rivals = {
        "bm25": by_query(Embedded(lexical).search(asked, DEPTH), dev.split),
        "base": base.dense[dev.name],
        "base as served": base.served[dev.name],
    }
    served = chosen.evidence.served[dev.name]
    name, rival = max(rivals.items(), key=lambda item: float(item[1].mean()))
    deltas = served - rival
    margin = 1.96 * float(deltas.std(ddof=1)) / math.sqrt(queries)
    if float(np.mean(deltas)) + margin < 0:
        return Verdict(
            False,
            f"nDCG@10 as served on {queries} {dev.name} dev queries is {served.mean():.4f}, that "
            f"of {name} {rival.mean():.4f} ({deltas.mean():+.4f} +- {margin:.4f})",
        )
    return Verdict(True, "")
