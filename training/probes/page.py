"""The probes as one page: both curves, and the crops that were to be learned by heart."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import matplotlib as mpl
import numpy as np
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup
from matplotlib.figure import Figure

from taktsight.datasets.masks import FULL, UNKNOWN
from taktsight.datasets.samples import GOOD
from taktsight.training.evaluation import pictures
from taktsight.training.evaluation.charts import DEFECT_ORANGE, GOOD_BLUE, GREY, INK, STYLE, svg
from taktsight.training.probes.learning_rate import RangeTest
from taktsight.training.probes.overfit import MOST_LEFT, Overfit
from taktsight.training.probes.probe import Probe

PAGE_FILE = "probe.html"
CROPS_SHOWN = 12


@dataclass(frozen=True, slots=True)
class Crop:
    """One crop of the batch."""

    uri: str
    label: str


def write_page(folder: Path, found: Probe) -> Path:
    """Writes ``probe.html``, which needs no other file, and returns its path."""
    folder.mkdir(parents=True, exist_ok=True)
    templates = [Path(__file__).parent, Path(__file__).parents[1] / "evaluation"]
    environment = Environment(
        loader=FileSystemLoader(templates),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    page = folder / PAGE_FILE
    text = environment.get_template("page.html").render(
        run=folder.resolve().name,
        found=found,
        overfit=Markup(_overfit_chart(found.overfit)),  # noqa: S704  drawn here, from numbers and fixed words
        rates=Markup(_rates_chart(found.rates)),  # noqa: S704
        crops=_crops(found),
    )
    page.write_text(text, encoding="utf-8")
    return page


def _overfit_chart(tried: Overfit) -> str:
    with mpl.rc_context(STYLE):
        drawing = Figure(figsize=(4.7, 3.4), layout="constrained")
        axes = drawing.subplots()
        asked = tried.lowest + MOST_LEFT * (tried.before - tried.lowest)
        axes.axhspan(tried.lowest, asked, color="#e6eef5", zorder=0)
        axes.axhline(tried.lowest, color=GREY, linewidth=0.9, linestyle=(0, (2, 3)))
        steps = range(1, len(tried.losses) + 1)
        axes.plot(steps, tried.losses, color=GOOD_BLUE if tried.is_passed else DEFECT_ORANGE, linewidth=1.6)
        axes.set(xlabel="step", ylabel="loss of the one batch", ylim=(0, None), xlim=(1, len(tried.losses)))
        return svg(drawing, "overfit")


def _rates_chart(found: RangeTest) -> str:
    with mpl.rc_context(STYLE):
        drawing = Figure(figsize=(4.7, 3.4), layout="constrained")
        axes = drawing.subplots()
        if found.band is not None and found.steepest is not None:
            axes.axvspan(*found.band, color="#e6eef5", zorder=0)
            axes.axvline(found.steepest, color=GREY, linewidth=0.9, linestyle=(0, (2, 3)))
        axes.plot(found.rates, found.losses, ".", color="#b9c0c5", markersize=3.5)
        axes.plot(found.rates, found.curve, color=INK, linewidth=1.6)
        colour = GOOD_BLUE if found.is_within else DEFECT_ORANGE
        axes.axvline(found.configured, color=colour, linewidth=1.6, label="configured")
        low, high = float(found.curve.min()), float(found.curve.max())
        room = 0.25 * (high - low) + 0.05 * high  # single batches at the far end would squeeze the curve
        axes.set(xscale="log", xlabel="learning rate", ylabel="loss", ylim=(low - room, high + room))
        axes.legend(loc="best")
        return svg(drawing, "rates")


def _crops(found: Probe) -> list[Crop]:
    names = (*found.labels, GOOD)
    crops = []
    for image, mask, label in zip(
        found.batch.images.numpy(), found.batch.masks.numpy(), found.batch.labels.tolist(), strict=True
    ):
        plain = pictures.fitted(pictures.colours(image), pictures.THUMB_PX)
        marked = (mask >= FULL // 2) & (mask != UNKNOWN)
        if np.any(marked):
            plain = pictures.outlined(plain, marked, pictures.REFERENCE_RGB)
        crops.append(Crop(pictures.data_uri(plain), names[label]))
    return crops[:CROPS_SHOWN]
