"""A chart of the statistics as a file: SVG that is the same bytes from the same figures, or PNG."""

from __future__ import annotations

import io
from collections.abc import Callable

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from taktsight.training.evaluation.charts import STYLE

GRID = "#e3e6e8"
DPI = 150


def as_bytes(draw: Callable[[], Figure], suffix: str) -> bytes:
    """The picture that ``draw`` makes, under the house's style.

    Args:
        draw: makes the figure.
        suffix: .svg or .png.
    """
    buffer = io.BytesIO()
    with mpl.rc_context(STYLE):
        figure = draw()
        if suffix == ".svg":
            nothing = dict.fromkeys(("Date", "Creator", "Format", "Type"))
            figure.savefig(buffer, format="svg", facecolor="white", metadata=nothing)
        else:
            figure.savefig(buffer, format="png", facecolor="white", dpi=DPI)
    return buffer.getvalue()


def lined(axes: Axes) -> None:
    """A faint grid behind everything."""
    axes.grid(color=GRID, linewidth=0.7)
    axes.set_axisbelow(True)
