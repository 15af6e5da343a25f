"""How a model learned: loss, validation figures and learning rate by epoch, and which epoch was kept."""

from __future__ import annotations

import csv
import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from taktsight.errors import DataError
from taktsight.training.evaluation.charts import DEFECT_ORANGE, GOOD_BLUE, GREY, INK, STYLE, svg

FIGURES = {
    "val_auroc": "AUROC",
    "val_f1": "pixel F1",
    "val_accuracy": "accuracy",
    "val_macro_f1": "macro-F1",
}
"""Columns that are drawn as validation figures, all 0–1; what else is logged is left to TensorBoard."""
COLOURS = (GOOD_BLUE, DEFECT_ORANGE)
GAP = 0.05
"""A loss on val parts that ended so far above its lowest value, as a share of that, had turned."""
RISE = 1e-3
"""A figure that ended so far above all before it was still rising."""

Curve = tuple[tuple[int, float], ...]
"""Epoch, counted from 1, and value."""


@dataclass(frozen=True, slots=True)
class Learning:
    """The curves of one training, all its resumptions joined."""

    curves: dict[str, Curve]
    """Column of metrics.csv → its values; empty ones are left out."""
    kept_epoch: int
    """Counted from 1: the epoch whose weights were evaluated."""

    @property
    def epochs(self) -> int:
        """The last epoch that was trained."""
        return max((epoch for curve in self.curves.values() for epoch, _ in curve), default=0)


def read_learning(run: Path, kept_epoch: int) -> Learning:
    """The curves in ``metrics-1.csv``, ``metrics-2.csv`` …, ``metrics.csv`` of a run.

    An epoch that was trained again after an interruption counts as it was trained last.

    Args:
        run: the run folder; without any of the files there are no curves.
        kept_epoch: of the checkpoint, counted from 1.

    Raises:
        DataError: If a file is something else than the metrics of a training.
    """
    earlier = sorted(run.glob("metrics-*.csv"), key=_number)
    epochs: dict[str, dict[int, float]] = {}
    for file in [*earlier, run / "metrics.csv"]:
        if not file.is_file():
            continue
        try:
            rows = list(csv.DictReader(file.read_text(encoding="utf-8").splitlines()))
            for row in rows:
                epoch = int(row.pop("epoch")) + 1
                for column, text in row.items():
                    if column and text:
                        epochs.setdefault(column, {})[epoch] = float(text)
        except (ValueError, KeyError, TypeError, csv.Error) as error:
            raise DataError(
                f"{file}: is not what a training wrote; move it away, evaluate again"
            ) from error
    curves = {column: tuple(sorted(values.items())) for column, values in epochs.items()}
    return Learning(curves, kept_epoch)


def learning_chart(learning: Learning) -> str:
    """Loss, validation figures and learning rate side by side; "" where nothing was logged."""
    drawn = [
        name for name in ("train_loss", "val_loss", "learning_rate", *FIGURES) if name in learning.curves
    ]
    if not drawn:
        return ""
    with mpl.rc_context(STYLE):
        drawing = Figure(figsize=(9.6, 2.9), layout="constrained")
        loss, figures, rate = drawing.subplots(1, 3, width_ratios=(5, 5, 3))
        _draw(loss, learning, {"train_loss": "training", "val_loss": "val parts"}, (INK, GREY))
        loss.set(ylabel="loss", ylim=(0, None))
        _draw(figures, learning, FIGURES, COLOURS)
        figures.set(ylabel="on val parts", ylim=(-0.02, 1.04))
        _draw(rate, learning, {"learning_rate": "rate"}, (INK,))
        rate.set(ylabel="learning rate", ylim=(0, None))
        for axes in (loss, figures, rate):
            axes.axvline(learning.kept_epoch, color=INK, linewidth=1.0, linestyle=(0, (2, 3)), zorder=0)
            axes.set(xlabel="epoch", xlim=(0.5, learning.epochs + 0.5))
            axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        return svg(drawing, "learning")


def learning_said(learning: Learning) -> str:
    """What the curves say, in sentences; "" where nothing was logged."""
    if not learning.epochs:
        return ""
    chosen = learning.curves.get("val_figure", ())
    best = max((value for _, value in chosen), default=math.nan)
    why = f": there the figure that picks the weights was highest, {best:.3f}" if chosen else ""
    said = [
        f"{learning.epochs} epochs were trained and the weights after epoch {learning.kept_epoch} "
        f"(dotted line) were kept{why}."
    ]
    if len(chosen) > 2 and chosen[-1][1] > max(value for _, value in chosen[:-1]) + RISE:
        said.append("It was still rising at the end: more epochs may help.")
    if _has_turned(learning.curves.get("val_loss", ())):
        said.append(
            "The loss on val parts had turned upwards while training went on: from there on the training "
            "parts were learned by heart. More parts, more augmentation or cut_paste help then, more "
            "epochs do not."
        )
    return " ".join(said)


def _draw(axes: Axes, learning: Learning, names: dict[str, str], colours: Sequence[str]) -> None:
    shown = [(name, text) for name, text in names.items() if name in learning.curves]
    for (name, text), colour in zip(shown, colours, strict=False):
        epochs, values = zip(*learning.curves[name], strict=True)
        mark = "o" if len(epochs) < 25 else ""
        axes.plot(epochs, values, color=colour, linewidth=1.6, marker=mark, markersize=3, label=text)
    if len(shown) > 1:
        axes.legend(loc="best", fontsize=8.5)
    axes.grid(color="#e3e6e8", linewidth=0.7)
    axes.set_axisbelow(True)


def _has_turned(losses: Curve) -> bool:
    values = [value for _, value in losses]
    return len(values) > 2 and values[-1] > (1 + GAP) * min(values)


def _number(file: Path) -> int:
    found = re.search(r"-(\d+)\.csv$", file.name)
    return int(found[1]) if found else 0
