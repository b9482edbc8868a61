"""The gate of exported variants refuses one that is not as good as torch, and says why."""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from stages.lib.core.files import read_json
from stages.lib.core.verdict import Verdict
from stages.lib.encoder_params import Export
from stages.lib.errors import UserError
from stages.lib.search.bootstrap import interval
from stages.lib.search.measures import HEADLINE, NAMES
from stages.lib.search.metrics import PerQuery, mean

FALLBACK = "fp32"
"""The variant that takes the place of one that is refused."""


LEAST = 10
"""Fewer queries are no evidence: resampling them knows nothing of those that are not there."""

RESAMPLES = 10_000


@dataclass(frozen=True, slots=True)
class Loss:
    """The share of torch's nDCG@10 that a variant loses over the dev queries.

    `low` and `high` bound it at 95%, by a paired bootstrap over the queries; a gain is negative.
    """

    share: float
    low: float
    high: float
    queries: int

    @property
    def row(self) -> dict[str, Any]:
        """The loss as a row of a metrics file."""
        return {name: round(value, 6) for name, value in asdict(self).items()}


def measure_loss(variant: PerQuery, torch: PerQuery, seed: int) -> Loss:
    """What a variant loses, by its nDCG@10 and torch's of the same queries.

    Args:
        variant: the measure by query_id.
        torch: the same of the model before its export.
        seed: of the resampling.

    """
    whole = mean(torch)
    if not whole:
        return Loss(0.0, 0.0, 0.0, len(torch))
    losses = np.array([torch[query_id] - variant[query_id] for query_id in sorted(torch)]) / whole
    low, high = interval(losses, RESAMPLES, seed)
    return Loss(float(losses.mean()), low, high, len(losses))


@dataclass(frozen=True, slots=True)
class Figures:
    """What was measured of a variant, beside torch's float32."""

    min_cosine: float
    """Least cosine to torch over the parity texts."""
    loss: Loss | None = None
    """What it loses on dev, where that was measured."""


def judge(variant: str, figures: Figures, params: Export) -> Verdict:
    """The verdict on a variant.

    fp32 and fp16 must give torch's vectors: their least cosine decides. int8 need not: the share of
    nDCG@10 that it loses on dev decides, and refuses it only where the whole interval lies beyond
    `max_ndcg_loss`: a mean beyond it may be luck with the queries, the more so the fewer they are.
    What is no evidence either way leaves int8 to `int8_agreement`, which it was made to reach.
    """
    faults = []
    if variant != "int8" and figures.min_cosine < params.min_cosine:
        faults.append(
            f"least cosine to torch {figures.min_cosine:.6f} is below export.min_cosine "
            f"{params.min_cosine:g}"
        )
    loss = figures.loss
    if loss and loss.queries >= LEAST and loss.low > params.max_ndcg_loss:
        faults.append(
            f"a loss of {loss.share:.2%} of {NAMES[HEADLINE]} on {loss.queries} dev queries "
            f"({loss.low:.2%} to {loss.high:.2%}), more than export.max_ndcg_loss "
            f"{params.max_ndcg_loss:.2%}"
        )
    return Verdict(not faults, f"{variant}: {'; '.join(faults)}" if faults else "")


def next_best(wanted: str, passed: Mapping[str, bool]) -> str:
    """The variant to serve: the one wanted, else fp32, which loses nothing but speed."""
    for variant in (wanted, FALLBACK):
        if passed.get(variant):
            return variant
    raise UserError(
        f"no exported variant passed its gate (of {', '.join(passed) or 'none'}); see the "
        "reasons in data/metrics and run the stage export again"
    )


def read_verdicts(path: Path) -> dict[str, Verdict]:
    """The verdicts by variant in the export's metrics: their key `gate`."""
    row = read_json(path)
    try:
        return {variant: Verdict(**verdict) for variant, verdict in row["gate"].items()}
    except (AttributeError, KeyError, TypeError) as error:
        raise UserError(f"{path}: holds no verdicts on variants; run dvc repro export") from error


def require_passed(variant: str, paths: Iterable[Path]) -> None:
    """Refuses a variant that any of the files refuses, or whose model it refuses as a whole."""
    for path in paths:
        row = read_json(path)
        verdicts = [read_verdicts(path).get(variant)] if "gate" in row else []
        if "model" in row:
            verdicts.append(Verdict(**row["model"]))
        for verdict in verdicts:
            if verdict is None or verdict.passed:
                continue
            raise UserError(
                f"{path}: the gate is closed: {verdict.reason}; train a better model, or set "
                "FORCE=1 to deploy all the same"
            )
