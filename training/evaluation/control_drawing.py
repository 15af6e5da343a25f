"""A control chart as people draw it: points, centre, limits, zones apart, and what the rules found."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from taktsight.quality.control_chart import ControlChart
from taktsight.quality.run_rules import SENTENCES
from taktsight.training.evaluation.charts import DEFECT_ORANGE, GOOD_BLUE, GREY, INK
from taktsight.training.evaluation.drawings import lined

NAMES = {
    "p": "share of defective parts",
    "np": "defective parts",
    "u": "defects per unit",
    "c": "defects",
    "laney-p": "share of defective parts (Laney p′)",
    "laney-u": "defects per unit (Laney u′)",
    "g": "good parts between two defective ones",
    "t": "seconds between two events",
    "i": "value",
    "ewma": "moving average of values (EWMA)",
    "cusum": "cumulative sum",
    "bernoulli": "cumulative sum over parts",
}
MARKS_TO = 120
"""Points up to which each gets a mark of its own."""
LINES_OF_HITS = 4


def control_drawing(chart: ControlChart) -> Figure:
    """The picture of a chart."""
    drawing = Figure(figsize=(9.6, 4.4), layout="constrained")
    axes = drawing.subplots()
    place = np.arange(1, len(chart.points) + 1)
    values = np.array([point.value for point in chart.points])
    _limits(axes, chart, place)
    small = len(place) > MARKS_TO
    is_sum = chart.points[0].low is not None
    axes.plot(
        place,
        values,
        "-" if small else "o-",
        color=INK,
        linewidth=1.1,
        markersize=3.6,
        label="upper sum" if is_sum else None,
    )
    if is_sum:
        lows = np.array([point.low or 0.0 for point in chart.points])
        axes.plot(place, lows, "s-", color=GREY, linewidth=1.1, markersize=3.4, label="lower sum")
        axes.legend(loc="upper left")
    _hits(axes, chart, place, values)
    axes.set_xlim(0.3, len(place) + 0.7)
    axes.set_ylabel(NAMES[chart.limits.chart])
    _names(axes, chart)
    lined(axes)
    axes.grid(axis="x", visible=False)
    drawing.suptitle(_title(chart), fontsize=10.5, x=0.01, ha="left")
    return drawing


def _title(chart: ControlChart) -> str:
    phase = "limits from these points" if chart.phase == 1 else "frozen limits"
    if not chart.hits:
        return f"{chart.limits.chart} chart, {phase}: no rule hit"
    count = "1 rule hit" if len(chart.hits) == 1 else f"{len(chart.hits)} rule hits"
    lines = [f"{chart.limits.chart} chart, {phase}: {count}"]
    said: dict[str, list[str]] = {}
    for hit in chart.hits:
        first, last = hit.points[0], hit.points[-1]
        said.setdefault(f"{hit.rule}, {SENTENCES[hit.rule]}", []).append(
            str(first) if first == last else f"{first}–{last}"
        )
    for rule, points in list(said.items())[:LINES_OF_HITS]:
        more = f" and {len(points) - 8} more" if len(points) > 8 else ""
        lines.append(f"{rule}: {', '.join(points[:8])}{more}")
    return "\n".join(lines)


def _limits(axes: Axes, chart: ControlChart, place: np.ndarray) -> None:
    """Steps where subgroups differ; their last values are written at the right edge."""
    edges = np.concatenate([[place[0] - 0.5], place + 0.5])
    last = chart.points[-1]
    uppers = [point.ucl for point in chart.points]
    lowers = [np.nan if point.lcl is None else point.lcl for point in chart.points]
    centres = [np.nan if point.centre is None else point.centre for point in chart.points]
    for values, colour, dashes in (
        (uppers, DEFECT_ORANGE, (0, (5, 2))),
        (lowers, DEFECT_ORANGE, (0, (5, 2))),
        (centres, GOOD_BLUE, "solid"),
    ):
        axes.stairs(values, edges, baseline=None, color=colour, linewidth=1.2, linestyle=dashes)
    named = [("UCL", last.ucl), ("LCL", last.lcl), ("centre", last.centre)]
    if chart.limits.chart in ("cusum", "bernoulli"):
        named = [("h", last.ucl)]
    for name, value in named:
        if value is not None:
            axes.annotate(
                f" {name} {value:.4g}",
                (1.0, value),
                xycoords=("axes fraction", "data"),
                va="center",
                color=GOOD_BLUE if name == "centre" else DEFECT_ORANGE,
                annotation_clip=False,
            )


def _hits(axes: Axes, chart: ControlChart, place: np.ndarray, values: np.ndarray) -> None:
    """Points that are out are filled and numbered; points of other patterns are ringed."""
    out = set(chart.out)
    in_patterns = {point for hit in chart.hits if not hit.rule.endswith("-1") for point in hit.points}
    drawn = np.array(
        [
            max(point.value, point.low or 0.0) if point.low is not None else point.value
            for point in chart.points
        ]
    )
    ringed = np.array(sorted(in_patterns), dtype=int) - 1
    axes.plot(
        place[ringed],
        values[ringed],
        "o",
        markersize=8,
        markerfacecolor="none",
        markeredgecolor=DEFECT_ORANGE,
        markeredgewidth=1.2,
    )
    firsts = {hit.points[0] for hit in chart.hits if hit.rule.endswith("-1")}
    chosen = np.array(sorted(out if len(place) <= MARKS_TO else firsts), dtype=int) - 1
    if len(place) > MARKS_TO:
        for hit in chart.hits:
            stretch = np.array(hit.points) - 1
            axes.plot(place[stretch], drawn[stretch], color=DEFECT_ORANGE, linewidth=1.8, zorder=4)
    axes.plot(place[chosen], drawn[chosen], "o", markersize=6.5, color=DEFECT_ORANGE, zorder=5)
    if len(chosen) <= 12:
        for index in chosen:
            axes.annotate(
                chart.points[index].label,
                (place[index], drawn[index]),
                xytext=(0, 7),
                textcoords="offset points",
                ha="center",
                color=DEFECT_ORANGE,
                fontweight="bold",
            )
    left_out = np.array([index for index, point in enumerate(chart.points) if point.excluded], dtype=int)
    if len(left_out):
        axes.plot(
            place[left_out],
            values[left_out],
            "o",
            markersize=9,
            color="white",
            markeredgecolor=DEFECT_ORANGE,
            markeredgewidth=1.4,
            zorder=5,
            label="left out of the limits",
        )
        axes.plot(place[left_out], values[left_out], "x", markersize=5, color=DEFECT_ORANGE, zorder=6)
        axes.legend(loc="upper left")


def _names(axes: Axes, chart: ControlChart) -> None:
    labels = [point.label for point in chart.points]
    if labels == [str(number) for number in range(1, len(labels) + 1)] or len(labels) > MARKS_TO:
        axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
        axes.set_xlabel("point")
        return
    longest = max(map(len, labels))
    is_slanted = longest > 8
    room = 30 if is_slanted else max(1, 100 // (longest + 1))
    shown = list(range(0, len(labels), -(-len(labels) // room)))
    axes.set_xticks(
        [index + 1 for index in shown],
        [labels[index] for index in shown],
        rotation=60 if is_slanted else 0,
        ha="right" if is_slanted else "center",
        rotation_mode="anchor",
    )
