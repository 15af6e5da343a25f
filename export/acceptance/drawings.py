"""The charts that only this report has: scores with limits, trade-off, rates, cycle times."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from matplotlib.ticker import FuncFormatter, MaxNLocator
from scipy.special import logit

from taktsight.export.acceptance.document import Group
from taktsight.export.acceptance.ledger_figures import Timing
from taktsight.export.acceptance.trade_off import END, LabelScores, TradePoint
from taktsight.quality.agreement import Share
from taktsight.training.evaluation.charts import COUNT_TICKS, DEFECT_ORANGE, GOOD_BLUE, GREY, INK
from taktsight.training.evaluation.drawings import lined

PALE_BLUE, BAND, GREEN = "#cfe3f0", "#f0f1f2", "#009e73"
TICKS = (0.0001, 0.001, 0.01, 0.1, 0.5, 0.9, 0.99, 0.999, 0.9999)
WORST_LOTS = 8
PERCENT = FuncFormatter(lambda share, _: f"{100 * share:.3g} %")
"""Not matplotlib's own: that one writes 2.5 as 2."""


def score_drawing(histograms: Sequence[LabelScores]) -> Figure:
    """For each label the scores of the parts that have it above those of the good parts."""
    rows = len(histograms)
    drawing = Figure(figsize=(9.6, 0.9 + 1.45 * rows), layout="constrained")
    grid = drawing.subplots(rows, 1, sharex=True, squeeze=False)
    for axes, histogram in zip(grid[:, 0], histograms, strict=True):
        edges = logit(np.clip(histogram.edges, END, 1 - END))
        highest = max(1, *histogram.with_label, *histogram.good)
        _limits(axes, histogram)
        _bars(axes, histogram.good, edges, "good")
        _bars(axes, histogram.with_label, edges, "defective")
        axes.set_yscale("log")
        axes.set_ylim(0.7, 2.4 * highest)
        ticks = [tick for tick in COUNT_TICKS if tick <= highest][:: 1 if highest < 100 else 2]
        axes.set_yticks(ticks, [str(tick) for tick in ticks])
        axes.minorticks_off()
        axes.set_xlim(edges[0], edges[-1])
        named = f"{histogram.label}: {sum(histogram.with_label):,} parts that have it"
        axes.set_title(named, loc="left", fontsize=9.5, color=DEFECT_ORANGE, fontweight="bold")
        axes.set_title(
            f"{sum(histogram.good):,} good parts",
            loc="right",
            fontsize=9.5,
            color=GOOD_BLUE,
            fontweight="bold",
        )
        axes.set_ylabel("parts")
    lowest = grid[-1, 0]
    lowest.set_xticks(logit(TICKS), [f"{tick:g}" for tick in TICKS])
    lowest.set_xlabel("score of the label (both ends stretched; outermost bars hold all beyond)")
    return drawing


def _bars(axes: Axes, counts: Sequence[int], edges: np.ndarray, kind: str) -> None:
    values = np.array(counts)
    filled = values > 0  # a logarithmic axis has no place for an empty bar
    colour = GOOD_BLUE if kind == "good" else DEFECT_ORANGE
    axes.bar(
        edges[:-1][filled],
        values[filled],
        np.diff(edges)[filled],
        align="edge",
        facecolor=PALE_BLUE if kind == "good" else "none",
        edgecolor=colour,
        hatch="" if kind == "good" else "////",
        linewidth=0.9,
        zorder=2 if kind == "good" else 3,
    )


def _limits(axes: Axes, histogram: LabelScores) -> None:
    scores = np.clip([histogram.review_score, histogram.reject_score], END, 1 - END)
    review, reject = logit(scores)
    if reject > review:
        axes.axvspan(review, reject, color=BAND, zorder=0)
        axes.axvline(review, color=INK, linewidth=1.2, linestyle=(0, (4, 2)), zorder=4)
        _note(axes, review - 0.12, f"review from {histogram.review_score:g}", "right")
    axes.axvline(reject, color=INK, linewidth=1.4, zorder=4)
    _note(axes, reject + 0.12, f"reject from {histogram.reject_score:g}", "left")


def _note(axes: Axes, x: float, text: str, align: str) -> None:
    place = axes.get_xaxis_transform()
    axes.text(x, 0.97, text, transform=place, ha=align, va="top", color=INK, fontsize=8.5, zorder=5)


def trade_drawing(points: Sequence[TradePoint], agreed: tuple[float | None, float | None]) -> Figure:
    """Escapes over overkill as all limits move, and both over how far they move.

    Args:
        points: from strict to loose.
        agreed: escape and overkill rates that were agreed or certified; None where none was.
    """
    drawing = Figure(figsize=(9.6, 4.2), layout="constrained")
    left, right = drawing.subplots(1, 2)
    here = next(point for point in points if point.shift == 0)
    _curve(left, points, here, agreed)
    _moves(right, points, agreed)
    return drawing


def _curve(
    axes: Axes, points: Sequence[TradePoint], here: TradePoint, agreed: tuple[float | None, float | None]
) -> None:
    overkill = np.array([point.overkill.value for point in points], float)
    escape = np.array([point.escape.value for point in points], float)
    low, high = (np.array([getattr(point.escape, end) for point in points]) for end in ("low", "high"))
    ends = (
        min(1.0, max(0.05, 1.5 * here.overkill.high, 1.5 * (agreed[1] or 0))),
        min(1.0, max(0.02, 2 * here.escape.high, 2 * (agreed[0] or 0))),
    )
    if agreed[0] is not None and agreed[1] is not None:
        axes.add_patch(
            Rectangle((0, 0), agreed[1], agreed[0], fill=False, edgecolor=GREEN, linewidth=1.4, zorder=3)
        )
        axes.annotate(
            "agreed",
            (agreed[1], agreed[0]),
            xytext=(-3, 3),
            textcoords="offset points",
            ha="right",
            color=GREEN,
        )
    axes.fill_between(overkill, low, high, color=PALE_BLUE, linewidth=0, step="post", zorder=1)
    axes.step(overkill, escape, where="post", color=INK, linewidth=1.5, zorder=2)
    x, y = here.overkill.value or 0.0, here.escape.value or 0.0
    axes.errorbar(
        x,
        y,
        xerr=[[x - here.overkill.low], [here.overkill.high - x]],
        yerr=[[y - here.escape.low], [here.escape.high - y]],
        fmt="o",
        color=DEFECT_ORANGE,
        ecolor=DEFECT_ORANGE,
        capsize=3,
        markersize=8,
        markeredgecolor="white",
        zorder=4,
        label="operating point, with both intervals",
        clip_on=False,
    )
    axes.set(xlim=(-0.01 * ends[0], ends[0]), ylim=(-0.02 * ends[1], ends[1]))
    axes.set(xlabel="overkill: good parts that do not pass", ylabel="escape: defective parts that pass")
    axes.xaxis.set_major_formatter(PERCENT)
    axes.yaxis.set_major_formatter(PERCENT)
    lined(axes)
    axes.legend(loc="upper right")


def _moves(axes: Axes, points: Sequence[TradePoint], agreed: tuple[float | None, float | None]) -> None:
    shift = [point.shift for point in points]
    for name, colour, dashes in (("escape", DEFECT_ORANGE, "solid"), ("overkill", GOOD_BLUE, (0, (5, 2)))):
        shares: list[Share] = [getattr(point, name) for point in points]
        axes.fill_between(
            shift,
            [each.low for each in shares],
            [each.high for each in shares],
            color=colour,
            alpha=0.16,
            linewidth=0,
        )
        axes.plot(
            shift,
            np.array([each.value for each in shares], float),
            color=colour,
            linestyle=dashes,
            linewidth=1.6,
            label=name,
        )
    for limit, colour in zip(agreed, (DEFECT_ORANGE, GOOD_BLUE), strict=True):
        if limit is not None:
            axes.axhline(limit, color=colour, linewidth=0.9, linestyle=(0, (1, 2)))
    axes.axvline(0, color=INK, linewidth=1.2)
    axes.set(ylim=(-0.01, 0.5), xlabel="stricter ←  limits moved by, logit of the score  → looser")
    inner = [value for value in shift if abs(value) <= 6]
    axes.set_xlim(min(inner), max(inner))
    axes.yaxis.set_major_formatter(PERCENT)
    axes.set_ylabel("rate, with 95 % interval")
    lined(axes)
    axes.legend(loc="upper center")


def shown_groups(groups: Sequence[Group]) -> list[Group]:
    """All but lots, of which those with the highest rates: few enough to read."""
    lots = [group for group in groups if group.by == "lot"]
    worst = sorted(lots, key=lambda lot: (-lot.escape.events, -_events(lot.overkill), lot.name))[
        :WORST_LOTS
    ]
    kept = [group for group in groups if group.by != "lot"]
    place = next(
        (index for index, group in enumerate(kept) if group.by in ("station", "camera")), len(kept)
    )
    return [*kept[:place], *sorted(worst, key=lambda lot: lot.name), *kept[place:]]


def group_name(group: Group) -> str:
    """What it is called: a lot that is named lot-7 is not called lot lot-7."""
    if group.by == "all":
        return "all parts"
    return group.name if group.name.lower().startswith(group.by) else f"{group.by} {group.name}"


def _events(share: Share | None) -> int:
    return 0 if share is None else share.events


def rate_drawing(groups: Sequence[Group]) -> Figure:
    """Escape and overkill of each group, with intervals; not of lots, which are small and many."""
    shown = [group for group in groups if group.by != "lot"]
    names = [group_name(group) for group in shown]
    drawing = Figure(figsize=(9.6, 1.0 + 0.27 * len(shown)), layout="constrained")
    left, right = drawing.subplots(1, 2, sharey=True)
    for axes, name, colour in ((left, "escape", DEFECT_ORANGE), (right, "overkill", GOOD_BLUE)):
        shares: list[Share | None] = [getattr(group, name) for group in shown]
        for place, share in enumerate(shares):
            if share is None or share.value is None:
                continue
            whiskers = [[share.value - share.low], [share.high - share.value]]
            axes.errorbar(
                share.value,
                place,
                xerr=whiskers,
                fmt="o",
                color=colour,
                ecolor=GREY,
                capsize=2.5,
                markersize=5,
            )
        highest = max(
            (share.high for share in shares if share is not None and share.value is not None), default=1
        )
        axes.set_xlim(-0.02 * highest, 1.04 * highest)
        axes.xaxis.set_major_formatter(PERCENT)
        axes.set_title(name, loc="left", fontsize=9.5, color=colour, fontweight="bold")
        axes.tick_params(axis="y", length=0)
        lined(axes)
        axes.grid(axis="y", visible=False)
    left.set_yticks(range(len(names)), names)
    left.set_ylim(len(names) - 0.5, -0.5)
    return drawing


def timing_drawing(timing: Timing, limit_ms: float | None) -> Figure:
    """How long verdicts took."""
    drawing = Figure(figsize=(9.6, 2.8), layout="constrained")
    axes = drawing.subplots()
    edges = np.array(timing.edges_ms)
    axes.stairs(timing.counts, edges, fill=True, facecolor=PALE_BLUE, edgecolor=GOOD_BLUE, linewidth=0.9)
    marks = [("p50", timing.p50_ms, (0, (4, 2))), ("p99", timing.p99_ms, "solid")]
    top = 1.25 * max(timing.counts)
    for name, at, dashes in marks:
        if at is not None:
            axes.axvline(at, color=INK, linewidth=1.2, linestyle=dashes)
            axes.text(at, top, f" {name} {at:.1f} ms", va="top", color=INK)
    if limit_ms is not None:
        axes.axvline(limit_ms, color=DEFECT_ORANGE, linewidth=1.4)
        axes.text(
            limit_ms, 0.85 * top, f"agreed {limit_ms:g} ms ", va="top", ha="right", color=DEFECT_ORANGE
        )
    axes.set_xlim(0, 1.03 * max(timing.max_ms or 0.0, limit_ms or 0.0))
    axes.set(ylim=(0, top), xlabel="trigger to verdict at the gate, ms", ylabel="verdicts")
    axes.yaxis.set_major_locator(MaxNLocator(4, integer=True))
    lined(axes)
    axes.grid(axis="x", visible=False)
    return drawing
