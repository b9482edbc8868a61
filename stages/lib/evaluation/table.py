"""How measures and comparisons are printed; light, so that showing results needs no model."""

from collections.abc import Mapping
from typing import Any

from stages.lib.search.measures import HEADLINE, NAMES


def comparison_table(summary: Mapping[str, Any]) -> str:
    """The systems, their measures and what the tuned model gained, for a terminal."""
    lines = [
        f"On {summary['measured_on']}: {summary['queries']} queries, "
        f"{summary['documents']} documents",
        " " * 12 + "".join(f"{name:>12}" for name in NAMES.values()),
    ]
    for system, means in summary["systems"].items():
        lines.append(f"{system:12}" + "".join(f"{means[measure]:12.4f}" for measure in NAMES))
    found = summary["comparisons"]["tuned"]
    lines.append(
        f"tuned against {found['against']}: {found['difference']:+.4f} {NAMES[HEADLINE]}, "
        f"95% interval {found['low']:+.4f} to {found['high']:+.4f}, {p_value(found['p'])} "
        f"({p_value(found['p_holm'])} after Holm)"
    )
    return "\n".join(lines)


def p_value(p: float) -> str:
    """A p value as it is printed, never as 0."""
    return "p < 0.001" if p < 0.001 else f"p = {p:.3f}"
