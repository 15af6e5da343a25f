"""What benchmarks of engines have in common: a network's frames, its card, and fair turns."""

from __future__ import annotations

import random
import time
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from rich.progress import track

from taktsight.card import Card, OperatingPoint, Origin, not_yet_compared
from taktsight.datasets.synthetic import Product, plan_labels, render_part
from taktsight.imaging import Canvas
from taktsight.inspect.engines import REFERENCE
from taktsight.manifest import Environment, Manifest
from taktsight.recipe import Limit
from taktsight.records import Image

LABELS = ("crack", "pit", "scratch", "stain")


def interleaved(
    tasks: dict[str, Callable[[int], object]], rounds: int, frames: int, title: str
) -> dict[str, NDArray[np.float64]]:
    """Milliseconds of each task, in a random order in each round; the first twenty rounds warm up."""
    order = random.Random(0)
    times: dict[str, list[float]] = {name: [] for name in tasks}
    for turn in track(range(-20, rounds), title, transient=True):
        for name in order.sample(list(tasks), len(tasks)):
            began = time.perf_counter_ns()
            tasks[name](turn % frames)
            if turn >= 0:
                times[name].append((time.perf_counter_ns() - began) / 1e6)
    return {name: np.array(each) for name, each in times.items()}


def rendered_frames(count: int, side_px: int) -> list[Image]:
    """Of a synthetic product, (side, side, 1) uint8; every second has a defect."""
    product = Product(size_px=side_px, mm_per_px=51.2 / side_px)
    labels = plan_labels(product, parts=count, defective_share=0.5, seed=5)
    return [
        render_part(product, 5, number, None if label == "good" else label).image
        for number, label in enumerate(labels)
    ]


def card_of_nothing(canvas: Canvas) -> Card:
    """Of nothing that was trained: it only says how to prepare and to judge."""
    none = 64 * "0"
    environment = Environment(
        python="", platform="", device="", precision="", processes=1, threads=1, packages={}
    )
    training = Manifest(
        data={}, parts={}, split=none, config={}, code=none, seed=0, environment=environment, weights=none
    )
    point = OperatingPoint(
        chosen_on="",
        measured_on="",
        defective=0,
        escapes=0,
        escape_upper=1,
        good=0,
        overkills=0,
        overkill_upper=1,
    )
    return Card(
        name="speed",
        task="segmentation",
        labels=LABELS,
        canvas=canvas,
        limits=tuple(Limit(label=label, reject_score=0.5, review_score=0.5) for label in LABELS),
        operating_point=point,
        parity=(not_yet_compared(REFERENCE),),
        golden=(),
        origin=Origin(training=training, code=none, taktsight=""),
    )
