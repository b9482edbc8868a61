"""Pictures for the report: SVG, on a clear background, in colours for light and dark pages."""

import io
from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from stages.lib.search.measures import HEADLINE, NAMES

GREY, BLUE, RED = "#808890", "#3b82c4", "#d9653b"

STYLE: dict[Any, Any] = {
    "svg.hashsalt": "embedsmith",  # the same picture has the same bytes
    "font.size": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "text.color": GREY,
    **dict.fromkeys(("axes.edgecolor", "axes.labelcolor", "xtick.color", "ytick.color"), GREY),
}


def deltas(values: Sequence[float], label: str) -> str:
    """Each query's difference, from the greatest gain to the greatest loss, as SVG."""
    ordered = sorted(values, reverse=True)
    # a step a query, drawn as one area: a bar each would be megabytes with many queries
    edges = [edge for index in range(len(ordered)) for edge in (index, index + 1)]
    heights = [value for value in ordered for _ in range(2)]
    with mpl.rc_context(STYLE):
        figure, axes = _axes()
        gain, loss = [max(0.0, h) for h in heights], [min(0.0, h) for h in heights]
        axes.fill_between(edges, gain, color=BLUE, linewidth=0)
        axes.fill_between(edges, loss, color=RED, linewidth=0)
        axes.axhline(0, color=GREY, linewidth=0.8)
        axes.set(xlabel=f"queries (n = {len(ordered)})", ylabel=label)
        axes.set_xlim(0, len(ordered))
        return _svg(figure)


def intervals(rows: Sequence[tuple[str, float, float, float]], label: str) -> str:
    """Differences with their 95% intervals, the first on top, as SVG.

    Args:
        rows: name, difference, and the interval's ends.
        label: of the axis.

    """
    with mpl.rc_context(STYLE):
        figure, axes = _axes(height=0.75 + 0.36 * len(rows))
        for place, (_, difference, low, high) in enumerate(reversed(rows)):
            colour = BLUE if low > 0 else RED if high < 0 else GREY
            axes.plot([low, high], [place, place], color=colour, linewidth=3, alpha=0.6)
            axes.plot([difference], [place], "o", color=colour, markersize=7)
        axes.axvline(0, color=GREY, linewidth=0.8, linestyle="--")
        axes.set_yticks(range(len(rows)), [name for name, *_ in reversed(rows)])
        axes.set_ylim(-0.6, len(rows) - 0.4)
        axes.tick_params(axis="y", length=0)
        axes.spines["left"].set_visible(False)
        axes.set(xlabel=label)
        return _svg(figure)


def candidates(rows: Sequence[dict[str, Any]], chosen: str) -> str:
    """What each candidate is believed to gain, the best first, as SVG.

    Args:
        rows: `name`, `gain` and its standard deviation `sd` of each candidate.
        chosen: the name of the one that ships.

    """
    ordered = sorted(rows, key=lambda row: float(row["gain"]))
    names = [row["name"] for row in ordered]
    with mpl.rc_context(STYLE):
        figure, axes = _axes(height=0.9 + 0.2 * len(ordered))
        gains, spreads = ([row[key] for row in ordered] for key in ("gain", "sd"))
        axes.errorbar(gains, names, xerr=spreads, fmt="o", color=BLUE, ecolor=GREY)
        shipped = [row["gain"] for row in ordered if row["name"] == chosen]
        axes.plot(shipped, [chosen] * len(shipped), "o", color=RED, label="chosen")
        axes.axvline(0, color=GREY, linewidth=0.8, linestyle="--", label="base")
        axes.set(xlabel=f"believed gain of {NAMES[HEADLINE]} as served, one standard deviation")
        axes.legend(frameon=False, loc="lower right")
        return _svg(figure)


def trade(rows: Mapping[str, Mapping[str, Any]]) -> str:
    """nDCG@10 of each vector type against its bytes a document, as SVG.

    Args:
        rows: `bytes` and the headline measure by the type's name.

    """
    with mpl.rc_context(STYLE):
        figure, axes = _axes()
        ordered = sorted(rows.items(), key=lambda item: item[1]["bytes"])
        sizes = [row["bytes"] for _, row in ordered]
        values = [row[HEADLINE] for _, row in ordered]
        axes.plot(sizes, values, "o", color=BLUE)
        for (name, _), size, value in zip(ordered, sizes, values, strict=True):
            axes.annotate(name, (size, value), (0, 7), textcoords="offset points", ha="center")
        axes.set_xscale("log", base=2)
        axes.minorticks_off()
        axes.set_xticks(sizes, [f"{size}" for size in sizes])
        axes.margins(x=0.12, y=0.25)
        axes.set(xlabel="bytes a document (logarithmic)", ylabel=NAMES[HEADLINE])
        return _svg(figure)


def saturation(rows: Sequence[Mapping[str, Any]], names: Sequence[str]) -> str:
    """nDCG@10 against the number of queries that were trained on, a line a set, as SVG.

    Args:
        rows: `queries`, and by set the headline measure with half of its interval.
        names: the sets to draw.

    """
    queries = [row["queries"] for row in rows]
    with mpl.rc_context(STYLE):
        figure, axes = _axes()
        for name, colour in zip(names, (BLUE, RED, GREY), strict=False):
            values, halves = (
                [row[name][key] for row in rows] for key in (HEADLINE, "half_interval")
            )
            label = f"{name} (n = {rows[0][name]['n']})"
            axes.errorbar(queries, values, yerr=halves, fmt="o-", color=colour, label=label)
        axes.set(xlabel="queries trained on", ylabel=f"{NAMES[HEADLINE]} as served")
        axes.legend(frameon=False)
        return _svg(figure)


def _axes(height: float = 2.8) -> tuple[Figure, Axes]:
    figure = Figure(figsize=(6.4, height), layout="constrained")
    return figure, figure.subplots()


def _svg(figure: Figure) -> str:
    file = io.StringIO()
    figure.savefig(file, format="svg", transparent=True, metadata={"Date": None})
    return file.getvalue()
