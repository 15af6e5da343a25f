"""How the scores of a lot rose while it wore, one row a lot, as inline SVG."""

from __future__ import annotations

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from scipy.special import logit

from taktsight.training.evaluation.charts import (
    DEFECT_ORANGE,
    GOOD_BLUE,
    INK,
    SCORE_END,
    STYLE,
    svg,
)
from taktsight.training.evaluation.figures import Figures
from taktsight.training.evaluation.timelines import Timeline

SHOWN = 12
"""Lots; the others are in the table."""
TICKS = (0.001, 0.1, 0.5, 0.9, 0.999)


def time_chart(figures: Figures) -> str:
    """Score over looks, with onset and alarms; "" where nothing says when parts were looked at."""
    lots = figures.timelines[:SHOWN]
    if not lots:
        return ""
    with mpl.rc_context(STYLE):
        drawing = Figure(figsize=(9.6, 0.7 + 1.25 * len(lots)), layout="constrained")
        rows = drawing.subplots(len(lots), 1, sharex=True, squeeze=False)
        for axes, lot in zip(rows[:, 0], lots, strict=True):
            _draw(axes, lot)
        rows[-1, 0].set_xlabel("look, oldest first; scores stretched towards both ends")
        return svg(drawing, "timelines")


def _draw(axes: Axes, lot: Timeline) -> None:
    scores = logit(np.clip([moment.score for moment in lot.moments], SCORE_END, 1 - SCORE_END))
    for wanted, colour in ((False, GOOD_BLUE), (True, DEFECT_ORANGE)):
        for held, face in ((False, "white"), (True, colour)):
            chosen = [
                index
                for index, moment in enumerate(lot.moments)
                if moment.defective == wanted and moment.held_up == held
            ]
            axes.plot(
                chosen, scores[chosen], "o", markersize=4.5, markeredgecolor=colour, markerfacecolor=face
            )
    if lot.onset is not None:
        axes.axvline(lot.onset - 0.5, color=INK, linewidth=1.2)
    axes.plot(lot.alarms, [logit(1 - SCORE_END)] * len(lot.alarms), "v", color=INK, clip_on=False)
    axes.set_yticks(logit(TICKS), [f"{tick:g}" for tick in TICKS])
    axes.set_ylim(logit(SCORE_END) - 0.6, logit(1 - SCORE_END) + 0.6)
    axes.set_title(lot.lot, loc="left", fontsize=9.5)
