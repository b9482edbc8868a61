"""How measures and comparisons are printed; light, so that showing results needs no model."""

from collections.abc import Iterable, Mapping
from typing import Any

from stages.lib.search.measures import HEADLINE, NAMES

Means = Mapping[str, Mapping[str, float]]
"""Means by measure by system, with the number of queries `n` among them."""


def comparison_table(summary: Mapping[str, Any]) -> str:
    """The systems with their measures, and the differences with their intervals."""
    width = _width(summary["systems"])
    wider = max([28, *(len(_against(item)) for item in summary["comparisons"].items())])
    lines = [
        f"On {summary['measured_on']}: {summary['queries']} queries, "
        f"{summary['documents']} documents",
        " " * width + "".join(f"{name:>12}" for name in NAMES.values()),
    ]
    for system, means in summary["systems"].items():
        lines.append(f"{system:{width}}" + "".join(f"{means[measure]:12.4f}" for measure in NAMES))
    lines.append("")
    lines.append(
        f"{'':{wider}}{NAMES[HEADLINE]:>9}{'95% interval':>22}{'':14}{'after Holm':14}better  worse"
    )
    for system, row in summary["comparisons"].items():
        name = _against((system, row))
        interval = f"{row['low']:+.4f} to {row['high']:+.4f}"
        lines.append(
            f"{name:{wider}}{row['difference']:+9.4f}{interval:>22}  {p_value(row['p']):12}"
            f"{p_value(row['p_holm']):14}{row['better']:6}{row['worse']:7}"
        )
    return "\n".join(lines)


def _width(systems: Iterable[str]) -> int:
    """The columns that the names of systems take; those of other models are of any length."""
    return max([12, *(len(system) + 1 for system in systems)])


def _against(item: tuple[str, Mapping[str, Any]]) -> str:
    system, row = item
    return f"{system} against {row['against']}"


def headline(summary: Mapping[str, Any]) -> str:
    """What is served beside the best that needs no tuning, and dense search beside its base."""
    row, dense = summary["comparisons"]["served"], summary["comparisons"]["tuned"]
    # queries of the pipeline's own are closest to what it has already: they tell nothing of quality
    verdict = "" if "not evidence" in summary["measured_on"] else f": {in_words(row)}"
    rival, served = (summary["systems"][name][HEADLINE] for name in (row["against"], "served"))
    return (
        f"{NAMES[HEADLINE]} on {summary['measured_on']} (n = {row['n']}): {served:.4f} as served, "
        f"{rival:.4f} by {row['against']}; {row['difference']:+.4f}, 95% interval "
        f"{row['low']:+.4f} to {row['high']:+.4f}, {p_value(row['p'])}{verdict} "
        f"(dense alone {dense['difference']:+.4f})"
    )


def in_words(row: Mapping[str, Any]) -> str:
    """What a comparison tells; where it tells nothing, how large a difference would have told."""
    if row["low"] > 0:
        return "better"
    if row["high"] < 0:
        return "WORSE"
    return (
        f"no difference that {row['n']} queries could tell from chance "
        f"(only {least_difference(row):.3f} or more)"
    )


def least_difference(row: Mapping[str, Any]) -> float:
    """The difference that a comparison over these queries finds in four of five cases.

    That is 2.8 standard errors; the 95% interval is 3.92 of them wide.
    """
    return float(2.8 * (row["high"] - row["low"]) / 3.92)


def change_table(before: Means, after: Means, revision: str) -> str:
    """Each system's means, and how far they are from those of a revision."""
    width = _width([*after, *before])
    lines = [" " * width + "".join(f"{name:^18}" for name in NAMES.values()).rstrip()]
    for system in dict.fromkeys((*after, *before)):
        cells = (_change(before.get(system), after.get(system), measure) for measure in NAMES)
        lines.append(f"{system:{width}}" + "".join(f"{cell:18}" for cell in cells).rstrip())
    lines.append(f"In brackets: the change since {revision}.")
    queries = [
        sorted({int(means["n"]) for means in systems.values()}) for systems in (before, after)
    ]
    if queries[0] != queries[1]:
        then, now = (", ".join(map(str, counts)) for counts in queries)
        lines.append(f"Not over the same queries: n = {then} in {revision}, {now} now.")
    return "\n".join(lines)


def p_value(p: float) -> str:
    """A p value as it is printed, never as 0."""
    return "p < 0.001" if p < 0.001 else f"p = {p:.3f}"


def _change(
    before: Mapping[str, float] | None, after: Mapping[str, float] | None, measure: str
) -> str:
    if after is None:
        return f"{'gone':^16}"
    if before is None:
        return f"{after[measure]:.4f} (new)"
    return f"{after[measure]:.4f} ({after[measure] - before[measure]:+.4f})"
