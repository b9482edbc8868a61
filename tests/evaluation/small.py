"""An evaluation of two queries, by hand."""

from stages.lib.core.collection import Split
from stages.lib.evaluation.comparison import AGAINST, Basis, Evaluation
from stages.lib.evaluation.significance import compare
from stages.lib.search.engine import Run
from stages.lib.search.metrics import per_query

HOSTILE = "<script>alert('x')</script> & \"quotes\""


def evaluation(name: str = "test", base: Run | None = None, tuned: Run | None = None) -> Evaluation:
    split = Split({"q1": HOSTILE, "q2": "where is it"}, {"q1": {"a": 2, "b": 1}, "q2": {"c": 1}})
    runs = {
        "base": base or {"q1": {"c": 2.0, "a": 1.0}, "q2": {"c": 1.0}},
        "tuned": tuned or {"q1": {"a": 2.0, "b": 1.0}, "q2": {"a": 2.0, "c": 1.0}},
    }
    runs["served"] = runs["tuned"]
    scores = {system: per_query(run, split.qrels) for system, run in runs.items()}
    headline = {system: measures["ndcg_cut_10"] for system, measures in scores.items()}
    against = {"served": "base", "tuned": AGAINST["tuned"]}
    comparisons = compare(headline, against, 200, 1)
    return Evaluation(Basis(name, split), 3, runs, scores, comparisons, against)
