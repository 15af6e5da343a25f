"""The values of a gage study, part by part and appraiser by appraiser, and where the scatter comes from."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from taktsight.quality.gage import Gage
from taktsight.quality.tables import Floats
from taktsight.training.evaluation.charts import DEFECT_ORANGE, GOOD_BLUE, GREY, INK
from taktsight.training.evaluation.drawings import lined

COLOURS = (GOOD_BLUE, DEFECT_ORANGE, "#009e73", "#cc79a7", "#56b4e9", "#e69f00")
SHAPES = ("o", "s", "^", "D", "v", "P")


def gage_chart(values: Floats, appraisers: Sequence[str], parts: Sequence[str], study: Gage) -> Figure:
    """The picture.

    Args:
        values: (A, N, T) as measured.
        appraisers: A names.
        parts: N names.
        study: what was computed from them.
    """
    drawing = Figure(figsize=(9.6, 4.4), layout="constrained")
    left, right = drawing.subplots(1, 2, width_ratios=(2.3, 1))
    _values(left, values, appraisers, parts, study.unit)
    _spreads(right, study)
    anova = study.studies[-1]
    measuring = next(spread for spread in anova.spreads if spread.source == "gage R&R")
    share = measuring.of_tolerance
    of_tolerance = "" if share is None else f", {share:.1%} of the tolerance"
    drawing.suptitle(
        f"Gage R&R by ANOVA: {measuring.of_study:.1%} of the study{of_tolerance}, ndc {anova.ndc}: "
        f"{anova.verdict}",
        fontsize=10.5,
        x=0.01,
        ha="left",
    )
    return drawing


def _values(axes: Axes, values: Floats, appraisers: Sequence[str], parts: Sequence[str], unit: str) -> None:
    order = np.argsort(values.mean(axis=(0, 2)))
    width = 0.7 / len(appraisers)
    for index, name in enumerate(appraisers):
        places = np.arange(len(parts)) + (index - (len(appraisers) - 1) / 2) * width
        of_one = values[index][order]
        axes.vlines(places, of_one.min(axis=1), of_one.max(axis=1), color=GREY, linewidth=1)
        colour, shape = COLOURS[index % len(COLOURS)], SHAPES[index % len(SHAPES)]
        flat = np.repeat(places, of_one.shape[1])
        axes.plot(flat, of_one.ravel(), shape, color=colour, markersize=4, alpha=0.8, label=name)
    axes.set_xticks(range(len(parts)), [parts[index] for index in order])
    axes.set_xlabel("part, by its mean")
    axes.set_ylabel(f"value{f', {unit}' if unit else ''}")
    lined(axes)
    axes.grid(axis="x", visible=False)
    axes.legend(loc="upper left")


def _spreads(axes: Axes, study: Gage) -> None:
    """%study of each source by both methods, and of the tolerance where there is one."""
    sources = ["repeatability", "reproducibility", "gage R&R", "parts"]
    height = 0.36
    for index, one in enumerate(study.studies):
        shares = {spread.source: spread.of_study for spread in one.spreads}
        places = np.arange(len(sources)) + (index - 0.5) * height
        face = GOOD_BLUE if one.method == "anova" else "#cfe3f0"
        widths = [shares[source] for source in sources]  # type: ignore[index]  # the sources are those of a study
        axes.barh(places, widths, height, facecolor=face, edgecolor=GOOD_BLUE, label=one.method)
    for limit, dashes in ((0.1, "solid"), (0.3, (0, (4, 2)))):
        axes.axvline(limit, color=INK, linewidth=1, linestyle=dashes)
    axes.set_yticks(range(len(sources)), sources)
    axes.invert_yaxis()
    axes.set_xlim(0, 1.05)
    axes.xaxis.set_major_formatter(PercentFormatter(1.0, decimals=0, symbol=" %"))
    axes.set_xlabel("of study variation (10 %, 30 %)")
    axes.legend(loc="lower center", bbox_to_anchor=(0.4, 1.0), ncols=2)
