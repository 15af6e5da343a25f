"""The curve of detection with its lower bound, a50, a90 and a90/95, above the targets themselves."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FormatStrFormatter, LogLocator, NullFormatter, PercentFormatter

from taktsight.quality.pod import Pod
from taktsight.quality.tables import Bools, Floats
from taktsight.training.evaluation.charts import DEFECT_ORANGE, GOOD_BLUE, GREY, INK
from taktsight.training.evaluation.drawings import lined


def pod_chart(pod: Pod, sizes: Floats, answers: Floats) -> Figure:
    """The picture.

    Args:
        pod: the curve.
        sizes: (N,) of the targets; those of size 0 are not drawn.
        answers: (N,) 1 and 0, or signals.
    """
    is_signal = pod.kind == "signal"
    drawing = Figure(figsize=(7.6, 6.6 if is_signal else 5.0), layout="constrained")
    if is_signal:
        upper, axes = drawing.subplots(2, 1, sharex=True, height_ratios=(1, 1.25))
        _signals(upper, pod, sizes, answers)
    else:
        axes = drawing.subplots()
        _targets(axes, sizes, answers)
    _curve(axes, pod)
    _marks(axes, pod)
    axes.set_xlabel(f"defect size{f', {pod.unit}' if pod.unit else ''}{_scale_note(pod)}")
    axes.set_ylabel("probability of detection")
    axes.set_ylim(-0.06, 1.06)
    if pod.size_scale == "log":
        axes.set_xscale("log")
        axes.xaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
        axes.xaxis.set_major_formatter(FormatStrFormatter("%g"))
        axes.xaxis.set_minor_formatter(NullFormatter())
    axes.set_xlim(*_ends(pod, sizes))
    axes.set_yticks([0, 0.25, 0.5, 0.75, 0.9, 1.0])
    axes.yaxis.set_major_formatter(PercentFormatter(1.0, decimals=0, symbol=" %"))
    lined(axes)
    axes.legend(loc="lower right", bbox_to_anchor=(1.0, 0.05))
    drawing.suptitle(_title(pod), fontsize=10.5, x=0.01, ha="left")
    return drawing


def _title(pod: Pod) -> str:
    level = f"{pod.confidence * 100:g}"
    bound = "none" if pod.a90_95 is None else f"{pod.a90_95:.4g} {pod.unit}".strip()
    what = "Synthetic challenge set: " if pod.origin == "synthetic" else ""
    return (
        f"{what}a90/{level} = {bound}: of such defects 90 % are found, at {level} % confidence "
        f"({pod.hits} of {pod.n} found)"
    )


def _scale_note(pod: Pod) -> str:
    return " (logarithmic)" if pod.size_scale == "log" else ""


def _ends(pod: Pod, sizes: Floats) -> tuple[float, float]:
    there = sizes[sizes > 0]
    top = max(float(there.max()), pod.a90_95 or 0.0)
    if pod.size_scale == "log":
        return 0.9 * float(there.min()), 1.08 * top
    return 0.0, 1.04 * top


def _curve(axes: Axes, pod: Pod) -> None:
    size = np.array([point.size for point in pod.curve])
    share = np.array([point.pod for point in pod.curve])
    low = np.array([np.nan if point.low is None else point.low for point in pod.curve])
    axes.fill_between(size, low, share, color="#cfe3f0", linewidth=0, zorder=1)
    if pod.b1 is None:
        axes.step(size, share, where="mid", color=INK, linewidth=1.8, label="POD (a step: no overlap)")
    else:
        axes.plot(size, share, color=INK, linewidth=1.8, label="POD")
    axes.plot(size, low, color=GOOD_BLUE, linewidth=1.4, label=f"lower bound, {pod.confidence * 100:g} %")


def _marks(axes: Axes, pod: Pod) -> None:
    axes.axhline(0.9, color=GREY, linewidth=0.8, linestyle=(0, (2, 3)))
    marks = [("a90", pod.a90, "o", INK)]
    if pod.a90_95 is not None:
        marks.append((f"a90/{pod.confidence * 100:g}", pod.a90_95, "D", GOOD_BLUE))
    for name, size, shape, colour in marks:
        axes.plot([size, size], [-0.06, 0.9], color=colour, linewidth=0.9, linestyle=(0, (4, 2)))
        axes.plot(
            [size],
            [0.9],
            shape,
            color=colour,
            markersize=7,
            markeredgecolor="white",
            zorder=4,
            label=f"{name} = {size:.4g} {pod.unit}".rstrip(),
        )


def _targets(axes: Axes, sizes: Floats, hit: Floats) -> None:
    """One mark a target, hits above and misses below, moved apart a little so that none hides another."""
    for found, level, colour in ((True, 1.0, GOOD_BLUE), (False, 0.0, DEFECT_ORANGE)):
        chosen = np.sort(sizes[(sizes > 0) & ((hit > 0) == found)])
        apart = 0.012 * (np.arange(len(chosen)) % 4)
        axes.plot(
            chosen,
            level + (apart if found else -apart),
            "|",
            color=colour,
            markersize=8,
            alpha=0.75,
            label=f"{len(chosen)} {'found' if found else 'missed'}",
            clip_on=False,
        )


def _beyond(pod: Pod, signals: Floats, side: int) -> Bools:
    """Which signals are censored there."""
    end = None if pod.ends is None else pod.ends[side]
    if end is None:
        return np.zeros(len(signals), dtype=bool)
    return np.asarray(signals >= end if side else signals <= end)


def _signals(axes: Axes, pod: Pod, sizes: Floats, signals: Floats) -> None:
    there = sizes > 0
    called = signals > (pod.decision or 0.0)
    for found, colour in ((True, GOOD_BLUE), (False, DEFECT_ORANGE)):
        chosen = there & (called == found)
        name = f"{int(chosen.sum())} {'found' if found else 'missed'}"
        axes.plot(sizes[chosen], signals[chosen], "o", color=colour, markersize=4, alpha=0.7, label=name)
    for beyond, shape in ((_beyond(pod, signals, 0), "v"), (_beyond(pod, signals, 1), "^")):
        chosen = there & beyond
        if chosen.any():
            name = f"{int(chosen.sum())} at the {'lower' if shape == 'v' else 'upper'} end or beyond"
            axes.plot(
                sizes[chosen],
                signals[chosen],
                shape,
                color=INK,
                markersize=8,
                markerfacecolor="none",
                label=name,
            )
    if pod.b0 is not None and pod.b1 is not None:
        size = np.linspace(float(sizes[there].min()), float(sizes[there].max()), 200)
        line = pod.b0 + pod.b1 * (np.log(size) if pod.size_scale == "log" else size)
        axes.plot(size, np.exp(line) if pod.signal_scale == "log" else line, color=INK)
    if pod.decision is not None:
        axes.axhline(pod.decision, color=INK, linewidth=1.0, linestyle=(0, (4, 2)))
        axes.annotate(
            f"decision {pod.decision:g}",
            (1.0, pod.decision),
            xycoords=("axes fraction", "data"),
            xytext=(0, 3),
            textcoords="offset points",
            ha="right",
            va="bottom",
        )
    axes.set_ylabel("signal" + (" (logarithmic)" if pod.signal_scale == "log" else ""))
    if pod.signal_scale == "log":
        axes.set_yscale("log")
    lined(axes)
    axes.legend(loc="upper left")
