"""Measures of a run against qrels, by trec_eval, over every query that has judgements."""

from statistics import fmean

import numpy as np
import pytrec_eval

from stages.lib.core.collection import Qrels
from stages.lib.search.engine import Run
from stages.lib.search.measures import HEADLINE, NAMES

MEASURES = tuple(NAMES)
"""nDCG@10, MRR@10, Recall@100, MAP, P@10 and hit rate."""

PerQuery = dict[str, float]
"""A measure's value by query_id."""


def strict(ranking: dict[str, float], depth: int | None = None) -> dict[str, float]:
    """A ranking with strictly decreasing float32 scores in its own order.

    trec_eval compares scores as float32 and breaks ties by descending doc_id, which would favour
    documents by their name; lowering each tied score by the least step keeps our order.
    """
    out: dict[str, float] = {}
    last = np.float32(np.inf)
    for doc_id, score in list(ranking.items())[:depth]:
        last = min(np.float32(score), np.nextafter(last, np.float32(-np.inf)))
        out[doc_id] = float(last)
    return out


def per_query(run: Run, qrels: Qrels, measures: tuple[str, ...] = MEASURES) -> dict[str, PerQuery]:
    """Each measure's value for every query of the qrels, 0 where the run has nothing for it.

    A query of which no document is relevant counts too, with 0, as `trec_eval -c` has it.
    `recip_rank` counts the first ten ranks alone (MRR@10); trec_eval itself has no cut for it.
    """
    full = {query_id: strict(run[query_id]) for query_id in qrels if run.get(query_id)}
    short = {query_id: strict(run[query_id], 10) for query_id in full}
    deep = set(measures) - {"recip_rank"}
    values = _trec_eval(full, qrels, deep) | _trec_eval(short, qrels, set(measures) - deep)
    return {
        measure: {query_id: values[measure].get(query_id, 0.0) for query_id in sorted(qrels)}
        for measure in measures
    }


def _trec_eval(run: Run, qrels: Qrels, measures: set[str]) -> dict[str, PerQuery]:
    # a query without a single judgement would spoil the scores of the next (pytrec_eval #49)
    judged = {query_id: qrels[query_id] for query_id in run if qrels[query_id]}
    rows = {}
    if judged and measures:
        rows = pytrec_eval.RelevanceEvaluator(judged, measures).evaluate(run)
    return {
        measure: {query_id: float(row[measure]) for query_id, row in rows.items()}
        for measure in measures
    }


def mean(values: PerQuery) -> float:
    """The mean over queries; 0 if there are none."""
    return fmean(values.values()) if values else 0.0


def ndcg(run: Run, qrels: Qrels) -> float:
    """The mean of the headline measure, nDCG@10."""
    return mean(per_query(run, qrels, (HEADLINE,))[HEADLINE])
