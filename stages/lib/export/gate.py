"""The gate of exported variants refuses one that is not as good as torch, and says why."""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from stages.lib.core.files import read_json
from stages.lib.errors import UserError
from stages.lib.params import Export
from stages.lib.search.measures import HEADLINE, NAMES

FALLBACK = "fp32"
"""The variant that takes the place of one that is refused."""


@dataclass(frozen=True, slots=True)
class Figures:
    """What was measured of a variant, beside torch's float32."""

    min_cosine: float
    """Least cosine to torch over the parity texts."""
    headline: float | None = None
    """The mean of the headline measure; `torch` is the same by torch."""
    torch: float | None = None


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether a variant may serve, and why not."""

    passed: bool
    reason: str

    @property
    def row(self) -> dict[str, Any]:
        """The verdict as a row of a metrics file."""
        return asdict(self)


def judge(variant: str, figures: Figures, params: Export) -> Verdict:
    """The verdict on a variant.

    fp32 and fp16 must give torch's vectors: their least cosine decides. int8 need not: the share of
    nDCG@10 that it loses decides.
    """
    faults = []
    if variant != "int8" and figures.min_cosine < params.min_cosine:
        faults.append(
            f"least cosine to torch {figures.min_cosine:.6f} is below export.min_cosine "
            f"{params.min_cosine:g}"
        )
    if figures.headline is not None and figures.torch:
        loss = 1 - figures.headline / figures.torch
        if loss > params.max_ndcg_loss:
            faults.append(
                f"{NAMES[HEADLINE]} {figures.headline:.4f} beside torch's "
                f"{figures.torch:.4f} is a loss of {loss:.2%}, more than "
                f"export.max_ndcg_loss {params.max_ndcg_loss:.2%}"
            )
    return Verdict(not faults, f"{variant}: {'; '.join(faults)}" if faults else "")


def judge_model(tuned: float, base: float, measured_on: str) -> Verdict:
    """The verdict on the model as a whole: refused where tuning made it worse."""
    if tuned >= base:
        return Verdict(True, "")
    reason = (
        f"{NAMES[HEADLINE]} on {measured_on} fell from {base:.4f} (base) to {tuned:.4f} (tuned)"
    )
    return Verdict(False, reason)


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
    """The verdicts by variant in a metrics file: all of it, or its key `gate`."""
    row = read_json(path)
    try:
        return {variant: Verdict(**verdict) for variant, verdict in row.get("gate", row).items()}
    except (AttributeError, TypeError) as error:
        raise UserError(f"{path}: holds no verdicts on variants; run dvc repro export") from error


def require_passed(variant: str, paths: Iterable[Path]) -> None:
    """Refuses a variant that any of the files refuses, or whose model it refuses as a whole."""
    for path in paths:
        row = read_json(path)
        verdicts = [read_verdicts(path).get(variant)]
        if "model" in row:
            verdicts.append(Verdict(**row["model"]))
        for verdict in verdicts:
            if verdict is None or verdict.passed:
                continue
            raise UserError(
                f"{path}: the gate is closed: {verdict.reason}; train a better model, or set "
                "FORCE=1 to deploy all the same"
            )
