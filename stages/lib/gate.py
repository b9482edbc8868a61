"""The gate of exported variants: closes, with the figures, on one that is not as good as torch."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from stages.lib.errors import UserError
from stages.lib.params import Export

FALLBACK = "fp32"
"""The variant that takes the place of one that is refused."""


@dataclass(frozen=True, slots=True)
class Figures:
    """What was measured of a variant, beside torch's float32."""

    min_cosine: float
    """Least cosine to torch over the parity texts."""
    ndcg_cut_10: float | None = None
    torch_ndcg_cut_10: float | None = None


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether a variant may serve, and why not."""

    passed: bool
    reason: str

    @property
    def row(self) -> dict[str, Any]:
        """For a metrics file."""
        return asdict(self)


def judge(variant: str, figures: Figures, params: Export) -> Verdict:
    """The verdict on a variant.

    fp32 and fp16 are to be torch over again: their least cosine counts. int8 is not, and is judged
    by what it does to retrieval: the share of nDCG@10 that it loses.
    """
    faults = []
    if variant != "int8" and figures.min_cosine < params.min_cosine:
        faults.append(
            f"least cosine to torch {figures.min_cosine:.6f} is below export.min_cosine "
            f"{params.min_cosine:g}"
        )
    if figures.ndcg_cut_10 is not None and figures.torch_ndcg_cut_10:
        loss = 1 - figures.ndcg_cut_10 / figures.torch_ndcg_cut_10
        if loss > params.max_ndcg_loss:
            faults.append(
                f"nDCG@10 {figures.ndcg_cut_10:.4f} beside torch's "
                f"{figures.torch_ndcg_cut_10:.4f} is a loss of {loss:.2%}, more than "
                f"export.max_ndcg_loss {params.max_ndcg_loss:.2%}"
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
