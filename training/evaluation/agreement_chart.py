"""An agreement study at a glance: each appraiser's shares against the usual limits, and kappas."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from matplotlib.ticker import PercentFormatter

from taktsight.quality.agreement import Agreement, Share
from taktsight.training.evaluation.charts import DEFECT_ORANGE, GOOD_BLUE, GREY, INK
from taktsight.training.evaluation.drawings import lined

GREEN = "#009e73"
COLOURS = {"acceptable": GREEN, "marginal": "#e69f00", "unacceptable": DEFECT_ORANGE, None: GREY}
PANELS = (
    ("repeatable", "repeats itself", None, None),
    ("effective", "effective", 0.90, 0.80),
    ("missed", "misses", 0.02, 0.05),
    ("false_alarms", "false alarms", 0.05, 0.10),
)
"""Field of an appraiser, its name, the share that is acceptable and the one that is bearable."""


def agreement_chart(study: Agreement) -> Figure:
    """The picture: a panel for each share, a table of kappas of all pairs."""
    names = [one.name for one in study.appraisers]
    drawing = Figure(figsize=(10.4, 1.7 + 0.42 * len(names)), layout="constrained")
    panels = drawing.subplots(1, len(PANELS) + 1, width_ratios=(1, 1, 1, 1, 1.35))
    for axes, (field, title, fine, bearable) in zip(panels, PANELS, strict=False):
        shares: list[Share | None] = [getattr(one, field) for one in study.appraisers]
        _panel(axes, shares, title, fine, bearable)
        axes.set_yticks(range(len(names)), names if axes is panels[0] else [""] * len(names))
    _kappas(panels[-1], study, names)
    ends = "" if study.verdict is None else f": {study.verdict}"
    drawing.suptitle(
        f"{study.parts} parts, {study.trials} trials, {len(names)} appraisers{ends}; all agree on "
        f"{study.all_agree.events} of {study.all_agree.of} parts\n"
        "to the line: acceptable; to the dashed one: marginal; intervals exact",
        fontsize=10.5,
        x=0.01,
        ha="left",
    )
    return drawing


def _panel(
    axes: Axes, shares: list[Share | None], title: str, fine: float | None, bearable: float | None
) -> None:
    highest = 0.0
    for place, share in enumerate(shares):
        if share is None or share.value is None:
            axes.text(0.0, place, "  not known", va="center", color=GREY)
            continue
        colour = GOOD_BLUE
        if fine is not None and bearable is not None:
            colour = COLOURS[_grade(share.value, fine, bearable)]
        whiskers = [[share.value - share.low], [share.high - share.value]]
        axes.errorbar(
            share.value,
            place,
            xerr=whiskers,
            fmt="o",
            color=colour,
            ecolor=INK,
            capsize=3,
            markersize=7,
            clip_on=False,
        )
        highest = max(highest, share.high)
    for limit, dashes in ((fine, "solid"), (bearable, (0, (4, 2)))):
        if limit is not None:
            axes.axvline(limit, color=GREY, linewidth=1, linestyle=dashes, zorder=0)
    axes.set_xlim(
        (min(0.5, *_lows(shares)), 1.02)
        if fine is None or fine > 0.5
        else (-0.004, max(0.12, 1.06 * highest))
    )
    axes.set_ylim(len(shares) - 0.5, -0.5)
    axes.xaxis.set_major_formatter(PercentFormatter(1.0, decimals=0, symbol=" %"))
    axes.set_title(title, loc="left", fontsize=9.5)
    axes.tick_params(axis="y", length=0)
    lined(axes)
    axes.grid(axis="y", visible=False)


def _lows(shares: list[Share | None]) -> list[float]:
    return [0.95 * share.low for share in shares if share is not None] or [0.5]


def _grade(value: float, fine: float, bearable: float) -> str:
    ends = (1 - value, 1 - fine, 1 - bearable) if fine > 0.5 else (value, fine, bearable)
    if ends[0] <= ends[1] + 1e-12:
        return "acceptable"
    return "marginal" if ends[0] <= ends[2] + 1e-12 else "unacceptable"


def _kappas(axes: Axes, study: Agreement, names: list[str]) -> None:
    """Kappa of each pair below the diagonal, to the reference in the last column."""
    columns = [*names, "reference"]
    table = np.full((len(names), len(columns)), np.nan)
    for pair in study.pairs:
        value = np.nan if pair.kappa.value is None else pair.kappa.value
        table[names.index(pair.second), names.index(pair.first)] = value
    for row, one in enumerate(study.appraisers):
        if one.to_reference is not None and one.to_reference.value is not None:
            table[row, -1] = one.to_reference.value
    for row in range(len(names)):
        for column in range(len(columns)):
            value = table[row, column]
            if not np.isnan(value):
                colour = GREEN if value >= 0.75 else DEFECT_ORANGE if value < 0.4 else "#e69f00"
                axes.add_patch(_cell(column, row, colour))
                axes.text(column, row, f"{value:.2f}", ha="center", va="center", color=INK)
    axes.set_xlim(-0.5, len(columns) - 0.5)
    axes.set_ylim(len(names) - 0.5, -0.5)
    axes.set_xticks(range(len(columns)), columns, rotation=30, ha="right", rotation_mode="anchor")
    axes.set_yticks(range(len(names)), names)
    axes.tick_params(length=0)
    for side in ("left", "bottom"):
        axes.spines[side].set_visible(False)
    axes.set_title("kappa", loc="left", fontsize=9.5)


def _cell(column: int, row: int, colour: str) -> Rectangle:
    return Rectangle((column - 0.48, row - 0.46), 0.96, 0.92, facecolor=colour, alpha=0.28, linewidth=0)
