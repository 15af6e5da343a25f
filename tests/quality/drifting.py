"""Streams of parts that are as before, and streams in which something has moved."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from taktsight.quality.drift_stream import PartName, SeenPart
from taktsight.records import Outcome

Floats = NDArray[np.float64]
LABELS = ("crack", "pit")
RUN = "20261126T000000Z-0001"
BUNDLE, RECIPE = 64 * "b", 64 * "c"
Change = Callable[[int, dict[str, float]], None]


def numbers(rng: np.random.Generator) -> dict[str, float]:
    """What is measured and scored of one part like all others."""
    return {
        "focus": 41 + 2 * rng.normal(),
        "mean_level": 110 + 3 * rng.normal(),
        "shift_x_px": rng.normal(),
        "crack": float(1 / (1 + np.exp(4 - rng.normal()))),
        "pit": float(1 / (1 + np.exp(5 - rng.normal()))),
    }


def stream(
    count: int,
    seed: int,
    *,
    first: int = 1,
    change: Change | None = None,
    is_measured: bool = True,
    bundle: str = BUNDLE,
) -> list[SeenPart]:
    """So many parts; ``change`` is told the number of each part in the stream, from 0."""
    rng = np.random.default_rng(seed)
    parts = []
    for number in range(count):
        values = numbers(rng)
        if change is not None:
            change(number, values)
        measures = {name: value for name, value in values.items() if name not in LABELS}
        parts.append(
            SeenPart(
                PartName(RUN, first + number),
                f"2026-11-26T00:{number // 60 % 60:02}:{number % 60:02}+00:00",
                Outcome.PASS,
                bundle,
                RECIPE,
                f"{seed:032x}{number:032x}",
                {"top": tuple(values[label] for label in LABELS)},
                {"top": measures} if is_measured else {},
            )
        )
    return parts


def logit_shift(label: str, shift: float, start: int = 0) -> Change:
    """The logit of one label's score moves by so many of its deviations."""

    def change(number: int, values: dict[str, float]) -> None:
        if number >= start:
            score = values[label]
            values[label] = float(1 / (1 + (1 - score) / score * np.exp(-shift)))

    return change


def scores_of(values: Sequence[float]) -> Floats:
    return np.asarray(values, np.float64)
