"""Reliability diagrams of every label: what share of parts of a score have the defect, and how many those
are.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from taktsight.errors import ConfigError
from taktsight.quality.calibration_report import LabelCalibration, Measured
from taktsight.quality.rates import wilson
from taktsight.training.evaluation.charts import DEFECT_ORANGE, GOOD_BLUE, GREY, INK, STYLE

COLUMN_INCHES = 3.4
WAYS = {"as given": (INK, "o"), "temperature": (GOOD_BLUE, "s"), "isotonic": (DEFECT_ORANGE, "^")}
SAID = {
    "as given": "as given",
    "temperature": "with a temperature",
    "isotonic": "isotonic, bins of equal mass",
}
FEW_PARTS = 10
"""A bin of fewer is drawn hollow."""


def draw_calibration(path: Path, labels: Sequence[LabelCalibration]) -> None:
    """Writes the diagrams as one picture; its kind is that of the name (PNG, SVG, PDF).

    Raises:
        ConfigError: If it cannot be written.
    """
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(COLUMN_INCHES * len(labels) + 0.6, 4.9), layout="constrained")
        axes = figure.subplots(
            2, len(labels), squeeze=False, sharex=True, sharey="row", gridspec_kw={"height_ratios": [4, 1]}
        )
        for column, label in enumerate(labels):
            _reliability(axes[0, column], label)
            _counts(axes[1, column], label.measured[0])
        axes[0, 0].set_ylabel("parts that have the defect")
        axes[1, 0].set_ylabel("parts")
        handles, names = axes[0, 0].get_legend_handles_labels()
        figure.legend(handles, names, loc="outside upper left", ncols=4, handlelength=1.5)
        try:
            figure.savefig(path, dpi=150)
        except (OSError, ValueError) as error:
            raise ConfigError(f"{path}: cannot be drawn: {error}") from error


def _reliability(axes: Axes, label: LabelCalibration) -> None:
    axes.plot([0, 1], [0, 1], color=GREY, linewidth=0.8, linestyle=(0, (2, 3)), label="calibrated")
    for shift, measured in enumerate(label.measured):
        bins = measured.mass_bins if measured.name == "isotonic" else measured.width_bins
        scores = np.array([each.score for each in bins])
        shares = np.array([each.share for each in bins])
        bounds = [wilson(round(each.share * each.parts), each.parts) for each in bins]
        ends = np.array([[rate.low, rate.high] for rate in bounds]).T
        away = np.abs(np.clip(ends, 0, 1) - shares)
        colour, marker = WAYS[measured.name]
        is_known = np.array([each.parts >= FEW_PARTS for each in bins])
        if measured.name == "as given":
            axes.plot(scores[is_known], shares[is_known], color=colour, linewidth=1.1)
        for chosen, face in ((is_known, colour), (~is_known, "white")):
            axes.errorbar(
                scores[chosen] + 0.004 * shift,
                shares[chosen],
                yerr=away[:, chosen],
                color=colour,
                marker=marker,
                markersize=4.5,
                markerfacecolor=face,
                linestyle="none",
                elinewidth=0.8,
                alpha=1.0 if face == colour else 0.55,
                label=SAID[measured.name] if face == colour else None,
            )
    axes.set_xlim(-0.03, 1.03)
    axes.set_ylim(-0.03, 1.03)
    given = label.measured[0].ece_width.value
    best = label.measured[1].ece_width.value
    axes.set_title(
        f"{label.label}: ECE {given:.3f}, {best:.3f} at temperature {label.temperature.temperature:.2f}",
        loc="left",
        fontsize=9.5,
    )


def _counts(axes: Axes, measured: Measured) -> None:
    bins = measured.width_bins
    axes.bar(
        [(each.low + each.high) / 2 for each in bins],
        [each.parts for each in bins],
        width=[0.9 * (each.high - each.low) for each in bins],
        color="#c5cad0",
    )
    axes.set_yscale("log")
    axes.set_xlabel("score")
