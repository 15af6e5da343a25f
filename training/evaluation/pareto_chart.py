"""Labels by their share, most first, with intervals, and the cumulative share beside them."""

from __future__ import annotations

from collections.abc import Sequence

from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from taktsight.quality.pareto import ParetoRow
from taktsight.training.evaluation.charts import GOOD_BLUE, GREY, INK
from taktsight.training.evaluation.drawings import lined

SHOWN = 20
FEW = 0.8
"""The few labels that make so much of all are drawn full."""


def pareto_chart(rows: Sequence[ParetoRow]) -> Figure:
    """The picture; labels run down, so that long names can be read."""
    shown = rows[:SHOWN]
    drawing = Figure(figsize=(8.4, 1.3 + 0.36 * len(shown)), layout="constrained")
    axes = drawing.subplots()
    for place, row in enumerate(shown):
        is_of_few = row.cumulative - row.share < FEW
        axes.barh(
            place, row.share, 0.66, facecolor=GOOD_BLUE if is_of_few else "#cfe3f0", edgecolor=GOOD_BLUE
        )
        end = row.share
        if row.low is not None and row.high is not None:
            whiskers = [[row.share - row.low], [row.high - row.share]]
            axes.errorbar(row.share, place, xerr=whiskers, fmt="none", ecolor=INK, capsize=3, linewidth=1)
            end = row.high
        axes.annotate(
            f"{row.count:g}", (end, place), xytext=(5, 0), textcoords="offset points", va="center"
        )
    axes.plot(
        [row.cumulative for row in shown],
        range(len(shown)),
        "o-",
        color=GREY,
        markersize=3.5,
        linewidth=1.1,
    )
    last = shown[-1].cumulative
    axes.annotate(
        "together",
        (last, len(shown) - 1),
        xytext=(-6, -3),
        textcoords="offset points",
        ha="right",
        va="bottom",
        color=GREY,
    )
    axes.set_yticks(range(len(shown)), [row.label for row in shown])
    axes.invert_yaxis()
    axes.set_xlim(0, 1.04)
    axes.xaxis.set_major_formatter(PercentFormatter(1.0, decimals=0, symbol=" %"))
    axes.set_xlabel("share of all" + (", with 95 % interval" if shown[0].low is not None else ""))
    lined(axes)
    axes.grid(axis="y", visible=False)
    few = [row for row in rows if row.cumulative - row.share < FEW]
    more = f"; {len(rows) - SHOWN} more labels are not drawn" if len(rows) > SHOWN else ""
    total = sum(row.count for row in rows)
    drawing.suptitle(
        f"{len(few)} of {len(rows)} labels make {few[-1].cumulative:.0%} of {total:g}{more}",
        fontsize=10.5,
        x=0.01,
        ha="left",
    )
    return drawing
