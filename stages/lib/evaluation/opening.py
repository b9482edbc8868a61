"""What an evaluation found, in one sentence for somebody who knows no measure."""

from collections.abc import Mapping
from typing import Any

from stages.lib.evaluation.served import SERVED
from stages.lib.evaluation.table import least_difference
from stages.lib.search.measures import HEADLINE

SEARCHES = {
    "bm25": "keyword search (BM25)",
    "base": "search with the base model",
    "base+bm25": "search with the base model and keywords",
}
"""What the best search without tuning is called, by its system."""


def points(value: float) -> str:
    """A measure between 0 and 1 as points of 100."""
    return f"{100 * value:.1f}"


def opening(summary: Mapping[str, Any], is_evidence: bool, kept_base: bool) -> str:
    """The sentence.

    Args:
        summary: `Evaluation.summary`.
        is_evidence: whether people asked and judged the queries.
        kept_base: whether the base ships, because nothing that was trained is believed better.

    """
    if not is_evidence:
        return (
            "Nobody knows yet whether search has become better: there are no judged queries, and "
            "those that the pipeline wrote for itself prove nothing."
        )
    row = summary["comparisons"][SERVED]
    rival, n = SEARCHES[row["against"]], row["n"]
    served, before = (
        points(summary["systems"][name][HEADLINE]) for name in (SERVED, row["against"])
    )
    if kept_base:
        return (
            f"Nothing that was trained is believed to be better, so the base model is kept: it "
            f"reaches {served} points of 100 on {n} judged queries."
        )
    if row["low"] > 0:
        return (
            f"Search has become better: {served} points of 100 on {n} judged queries, "
            f"instead of {before} by the best that needs no tuning, {rival}; this is not luck."
        )
    if row["high"] < 0:
        return (
            f"Search has become worse, and should not be deployed: {served} points of 100 on {n} "
            f"judged queries, instead of {before} by {rival}."
        )
    return (
        f"Nobody can tell whether search has become better: {served} points of 100 on {n} judged "
        f"queries, against {before} by {rival}; only {points(least_difference(row))} points or "
        "more would have shown."
    )
