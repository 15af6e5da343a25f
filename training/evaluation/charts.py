"""ROC, precision–recall and score charts as inline SVG: the same bytes from the same figures."""

from __future__ import annotations

import io
import re
from collections.abc import Sequence
from typing import Any, Literal

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from scipy.special import logit

from taktsight.training.evaluation.estimates import Floats
from taktsight.training.evaluation.figures import Figures

INK, GREY = "#1d2327", "#6b747b"
GOOD_BLUE, DEFECT_ORANGE = "#0072b2", "#d55e00"
"""Okabe and Ito's palette: told apart by colour-blind readers, and by lightness in print."""
STYLE: dict[Any, Any] = {
    "svg.hashsalt": "taktsight",
    "svg.fonttype": "none",
    "path.simplify": False,  # the curves are exact, so draw them so
    "font.family": "sans-serif",
    "font.size": 9.5,
    "text.color": INK,
    "axes.edgecolor": GREY,
    "axes.labelcolor": INK,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "xtick.color": GREY,
    "ytick.color": GREY,
    "xtick.labelcolor": INK,
    "ytick.labelcolor": INK,
    "hatch.linewidth": 0.8,
    "legend.frameon": False,
}
SCORE_END = 1e-4
SCORE_TICKS = (0.0001, 0.001, 0.01, 0.1, 0.5, 0.9, 0.99, 0.999, 0.9999)
Kind = Literal["not passed", "rejected"]
COUNT_TICKS = tuple(digit * 10**power for power in range(7) for digit in (1, 3))
BARS = 46


def roc_chart(figures: Figures) -> str:
    """Detected share over overkill, with the two operating points; "" where one kind is missing."""
    if figures.auroc is None:
        return ""
    with mpl.rc_context(STYLE):
        drawing, axes = _square("overkill rate", "detected: 1 − escape rate")
        axes.plot([0, 1], [0, 1], color=GREY, linewidth=0.8, linestyle=(0, (2, 3)))
        points = [(point.overkill or 0.0, point.detected or 0.0) for point in figures.curve]
        axes.plot(*zip((0.0, 0.0), *points, strict=True), color=INK, linewidth=1.6)
        for detected, overkill, _, kind in _operating(figures):
            _mark(axes, overkill, detected, kind)
        axes.legend(loc="lower right")
        return svg(drawing, "roc")


def precision_recall_chart(figures: Figures) -> str:
    """Precision over detected share, stepwise without interpolation; "" where one kind is missing."""
    if figures.average_precision is None:
        return ""
    with mpl.rc_context(STYLE):
        drawing, axes = _square("detected: 1 − escape rate (recall)", "precision: defective among held up")
        detected = [0.0, *(point.detected or 0.0 for point in figures.curve)]
        precision = [figures.curve[0].precision, *(point.precision for point in figures.curve)]
        # Between two points the precision of the right one holds: that is the area AP adds up.
        axes.step(detected, precision, where="pre", color=INK, linewidth=1.6)
        for found, _, exact, kind in _operating(figures):
            if exact is not None:
                _mark(axes, found, exact, kind)
        axes.legend(loc="lower left")
        return svg(drawing, "precision-recall")


def score_chart(figures: Figures) -> str:
    """How many good and defective parts got which score, and where the limits cut."""
    defective = [part.score for part in figures.parts if part.is_defective]
    good = [part.score for part in figures.parts if not part.is_defective]
    rows = [row for row in ((defective, "defective"), (good, "good")) if row[0]]
    edges = np.linspace(logit(SCORE_END), logit(1 - SCORE_END), BARS + 1)
    bands = {(limit.review_score, limit.reject_score) for limit in figures.limits}
    with mpl.rc_context(STYLE):
        drawing = Figure(figsize=(9.6, 0.7 + 1.5 * len(rows)), layout="constrained")
        grid = drawing.subplots(len(rows), 1, sharex=True, squeeze=False)
        every = [grid[row, 0] for row in range(len(rows))]
        for axes, (scores, name) in zip(every, rows, strict=True):
            colour, hatch = (GOOD_BLUE, "") if name == "good" else (DEFECT_ORANGE, "///")
            _bars(axes, scores, edges, colour, hatch)
            axes.set_ylabel(f"{len(scores)} {name}", color=colour, fontweight="bold")
        if len(bands) == 1:  # limits that differ by label cannot be drawn on one axis
            _cuts(every, *bands.pop())
        lowest = every[-1]
        lowest.set_xlim(edges[0], edges[-1])
        lowest.set_xticks(logit(SCORE_TICKS), [f"{tick:g}" for tick in SCORE_TICKS])
        lowest.set_xlabel(
            "part score (stretched towards both ends; outermost bars hold all beyond; heights logarithmic)"
        )
        return svg(drawing, "scores")


def size_chart(figures: Figures) -> str:
    """Share of the true defects of each size that was found, with its interval; "" without any."""
    bins = [row for row in figures.by_size if row.label is None]
    if not bins:
        return ""
    values = np.array([row.found.value for row in bins], dtype=np.float64)
    lows, highs = (np.array([getattr(row.found, end) for row in bins]) for end in ("low", "high"))
    with mpl.rc_context(STYLE):
        drawing = Figure(figsize=(9.6, 2.9), layout="constrained")
        axes = drawing.subplots()
        places = np.arange(len(bins))
        axes.bar(places, values, 0.62, facecolor="#cfe3f0", edgecolor=GOOD_BLUE, linewidth=0.9)
        whiskers = (values - lows, highs - values)
        axes.errorbar(places, values, whiskers, fmt="none", ecolor=INK, capsize=4, linewidth=1.2)
        for place, row in enumerate(bins):
            counted = f"{row.found.events} of {row.found.parts}"
            axes.text(place, 1.04, counted, ha="center", va="bottom", color=INK)
        axes.set(ylim=(0, 1.0), ylabel="found", xlim=(-0.6, max(len(bins), 6) - 0.4))
        axes.set_yticks([0, 0.25, 0.5, 0.75, 1.0], ["0 %", "25 %", "50 %", "75 %", "100 %"])
        names = [f"{row.from_diameter:g}–{row.to_diameter:g}" for row in bins]
        axes.set_xticks(places, names)
        axes.set_xlabel(f"diameter of the circle that has the defect's area, {figures.size_unit}")
        return svg(drawing, "sizes")


def _square(x_label: str, y_label: str) -> tuple[Figure, Axes]:
    drawing = Figure(figsize=(4.7, 4.3), layout="constrained")
    axes = drawing.subplots()
    axes.set(xlim=(-0.015, 1.015), ylim=(-0.015, 1.03), xlabel=x_label, ylabel=y_label)
    axes.grid(color="#e3e6e8", linewidth=0.7)
    axes.set_axisbelow(True)
    return drawing, axes


def _operating(figures: Figures) -> list[tuple[float, float, float | None, Kind]]:
    """Detected share, overkill rate and precision of what is not passed and of what is rejected."""
    defective, good = figures.defective_outcomes, figures.good_outcomes
    reviewed = defective.reviewed + good.reviewed
    held: dict[Kind, tuple[int, int]] = {
        "not passed": (defective.rejected + defective.reviewed, good.rejected + good.reviewed)
    }
    if reviewed:  # without it the two are the same point
        held["rejected"] = (defective.rejected, good.rejected)
    return [
        (hits / figures.escape.parts, false / figures.overkill.parts, _precision(hits, false), kind)
        for kind, (hits, false) in held.items()
    ]


def _precision(hits: int, false: int) -> float | None:
    return hits / (hits + false) if hits + false else None


def _mark(axes: Axes, x: float, y: float, kind: Kind) -> None:
    shape, colour = ("o", DEFECT_ORANGE) if kind == "not passed" else ("s", GOOD_BLUE)
    axes.plot(
        [x], [y], shape, markersize=8, color=colour, markeredgecolor="white", label=kind, clip_on=False
    )


def _bars(axes: Axes, scores: Sequence[float], edges: Floats, colour: str, hatch: str) -> None:
    clipped = logit(np.clip(np.array(scores, dtype=np.float64), SCORE_END, 1 - SCORE_END))
    # Clipping and logit may differ from the outermost edge by one rounding step.
    counts, _ = np.histogram(np.clip(clipped, edges[0], edges[-1]), edges)
    filled = counts > 0  # a logarithmic axis has no place for an empty bar
    axes.bar(
        edges[:-1][filled],
        counts[filled],
        np.diff(edges)[filled],
        align="edge",
        facecolor="white" if hatch else colour,
        edgecolor=colour,
        hatch=hatch,
        linewidth=0.9,
    )
    axes.set_yscale("log")
    axes.set_ylim(0.7, max(3.0, 2.2 * counts.max(initial=1)))
    ticks = [tick for tick in COUNT_TICKS if tick <= max(1, counts.max(initial=1))]
    axes.set_yticks(ticks, [str(tick) for tick in ticks])
    axes.minorticks_off()


def _cuts(every: Sequence[Axes], review_score: float, reject_score: float) -> None:
    review, reject = logit(np.clip([review_score, reject_score], SCORE_END, 1 - SCORE_END))
    for axes in every:
        axes.axvspan(review, reject, color="#f0f1f2", zorder=0)
        axes.axvline(review, color=INK, linewidth=1.2, linestyle=(0, (4, 2)))
        axes.axvline(reject, color=INK, linewidth=1.2)
    _note(every[0], review - 0.1, f"PASS below {review_score:g} ◂", "right")
    _note(every[0], reject + 0.1, f"▸ REJECT from {reject_score:g}", "left")
    if reject - review > 2.2:  # the word fits
        _note(every[0], (review + reject) / 2, "REVIEW", "center")


def _note(axes: Axes, x: float, text: str, align: Literal["left", "center", "right"]) -> None:
    axes.text(x, 1.02, text, transform=axes.get_xaxis_transform(), ha=align, va="bottom", color=INK)


def svg(drawing: Figure, name: str) -> str:
    """The drawing as an element that stands in a page: no prolog, no metadata, no id of another chart.

    Args:
        drawing: drawn under ``STYLE``.
        name: unique in the page.
    """
    buffer = io.StringIO()
    nothing = dict.fromkeys(("Date", "Creator", "Format", "Type"))
    drawing.savefig(buffer, format="svg", transparent=True, metadata=nothing)
    text = buffer.getvalue()
    text = text[text.index("<svg") :]
    text = re.sub(r"\s*<metadata>.*?</metadata>|\s*<style.*?</style>", "", text, flags=re.DOTALL)
    used = set(re.findall(r"#([\w.-]+)", text))
    text = re.sub(
        r' id="([^"]+)"', lambda found: f' id="{name}-{found[1]}"' if found[1] in used else "", text
    )
    text = re.sub(r'(url\(#|href="#)', rf"\1{name}-", text)
    return re.sub(r'width="[\d.]+pt" height="[\d.]+pt"', 'role="img"', text, count=1)
