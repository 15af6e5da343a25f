"""What perturbations do to verdicts, kind by kind: passes lost, passes gained, and what image health
leaves.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from taktsight.errors import ConfigError
from taktsight.quality.rates import Rate
from taktsight.quality.robustness import Robustness
from taktsight.training.evaluation.charts import DEFECT_ORANGE, GOOD_BLUE, GREY, STYLE

AXES = {
    "light": "light, % more",
    "blur": "blur, σ in px",
    "shift": "shift, px",
    "rotation": "rotation, °",
    "noise": "electrons at 255",
}
COLUMN_INCHES = 2.5


def draw_robustness(path: Path, rows: Sequence[tuple[str, float, Robustness]]) -> None:
    """Writes one picture with a chart for each kind; its file's kind is that of the name.

    Raises:
        ConfigError: If it cannot be written.
    """
    kinds = list(dict.fromkeys(kind for kind, _, _ in rows))
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(COLUMN_INCHES * len(kinds) + 0.8, 4.6), layout="constrained")
        axes = figure.subplots(2, len(kinds), squeeze=False, sharey="row", sharex="col")
        for column, kind in enumerate(kinds):
            of_kind = [(strength, each) for name, strength, each in rows if name == kind]
            _column(axes[0, column], axes[1, column], kind, of_kind)
        is_known = rows[0][2].escapes_caused is not None
        axes[0, 0].set_ylabel("good passes lost\nor parts stopped")
        axes[1, 0].set_ylabel("defective parts\nthat now pass" if is_known else "held parts\nthat now pass")
        handles, names = axes[0, 0].get_legend_handles_labels()
        more, others = axes[1, 0].get_legend_handles_labels()
        figure.legend(handles + more, names + others, loc="outside upper left", ncols=4)
        try:
            figure.savefig(path, dpi=150)
        except (OSError, ValueError) as error:
            raise ConfigError(f"{path}: cannot be drawn: {error}") from error


def _column(upper: Axes, lower: Axes, kind: str, rows: Sequence[tuple[float, Robustness]]) -> None:
    places = np.arange(len(rows))
    known = [each.escapes_caused is not None for _, each in rows]
    gained = [each.escapes_caused or each.passes_gained for _, each in rows]
    through = [
        each.escapes_through_health
        if is_known and each.escapes_through_health
        else each.gained_through_health
        for is_known, (_, each) in zip(known, rows, strict=True)
    ]
    _line(
        upper, places, [each.stopped for _, each in rows], GREY, "s", "stopped by image health", shift=-0.06
    )
    _line(
        upper,
        places,
        [each.passes_lost for _, each in rows],
        GOOD_BLUE,
        "o",
        "passed, now held up",
        shift=0.06,
    )
    _line(lower, places, gained, "#e5a677", "v", "now pass, without image health", shift=-0.06)
    _line(lower, places, through, DEFECT_ORANGE, "o", "now pass, with image health", shift=0.06)
    for axes in (upper, lower):
        axes.set_ylim(-0.03, 1.03)
        axes.yaxis.set_major_formatter(mpl.ticker.PercentFormatter(1.0, decimals=0))
        axes.grid(axis="y", color="#e3e6e9", linewidth=0.8)
        axes.set_axisbelow(True)
    lower.set_xticks(places, [_said(kind, strength) for strength, _ in rows])
    lower.set_xlabel(AXES.get(kind, kind))


def _line(
    axes: Axes,
    places: np.ndarray[tuple[int], np.dtype[np.int64]],
    rates: Sequence[Rate],
    colour: str,
    marker: str,
    name: str,
    *,
    shift: float,
) -> None:
    values = np.array([rate.value for rate in rates])
    ends = np.array([[rate.low, rate.high] for rate in rates]).T
    axes.errorbar(
        places + shift,
        values,
        yerr=np.abs(ends - values),
        color=colour,
        marker=marker,
        markersize=4.5,
        linewidth=1.2,
        elinewidth=0.8,
        label=name,
    )


def _said(kind: str, strength: float) -> str:
    if kind == "light":
        return f"{100 * strength:+.0f}"
    return f"{strength:,.0f}" if kind == "noise" else f"{strength:g}"
