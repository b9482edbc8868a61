"""The pictures of an evaluation, for the report and for `dvc plots`."""

from collections.abc import Iterable, Mapping
from typing import Any

from stages.lib.evaluation import plots
from stages.lib.evaluation.comparison import Evaluation
from stages.lib.evaluation.groups import groups
from stages.lib.evaluation.served import SERVED
from stages.lib.evaluation.variants import Serving
from stages.lib.params import Params
from stages.lib.search.measures import HEADLINE, NAMES

GAINED = "points gained, with 95% intervals"
SYSTEMS = {SERVED: "as served", "tuned": "without keywords"}
"""The systems of the first picture, and what they are called there."""


def pictures(
    evaluation: Evaluation, params: Params, stages: Mapping[str, Any], serving: Serving | None
) -> dict[str, str]:
    """The pictures as SVG, by name; those that nothing was measured for are left out.

    Args:
        evaluation: the systems, among them `tuned` and the served one.
        params: for the resampling.
        stages: what the other stages measured, by the name of their file.
        serving: what exported variants and vector types reach.

    """
    compared = evaluation.summary()["comparisons"]
    deltas, rival = evaluation.deltas(SERVED), evaluation.against[SERVED]
    found = {
        "differences": _intervals((name, compared[system]) for system, name in SYSTEMS.items()),
        "whom": _intervals(
            (f"{g.name} ({g.n})", {"difference": g.difference, "low": g.low, "high": g.high})
            for g in groups(evaluation, SERVED, params.evaluate.resamples, params.seed)
        ),
        "deltas": plots.deltas(list(deltas.values()), f"{NAMES[HEADLINE]}: {SERVED} - {rival}"),
    }
    answer = stages.get("answer", {})
    if answer.get("questions"):
        of_answers = answer["comparisons"].items()
        found["answers"] = _intervals((answer["names"][name], row) for name, row in of_answers)
    if "train_curve" in stages:
        chosen = stages.get("train", {}).get("chosen", "")
        found["candidates"] = plots.candidates(stages["train_curve"], chosen)
    if serving:
        found["trade"] = plots.trade(serving.vector_types)
    return found


def _intervals(rows: Iterable[tuple[str, Mapping[str, float]]]) -> str:
    """Differences with their intervals, in points of 100."""
    drawn = [
        (name, 100 * row["difference"], 100 * row["low"], 100 * row["high"]) for name, row in rows
    ]
    return plots.intervals(drawn, GAINED)
