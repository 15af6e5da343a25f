"""Bands from the frames of good parts: as wide as these are, and a margin more."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from taktsight.errors import DataError
from taktsight.image_health import Reference, measure
from taktsight.records import Box, Image

MARGIN = 0.5
"""Of the distance from the median to the farthest value, added beyond that."""
MIN_FRAMES = 5
FEW_FRAMES = 30
"""Fewer, and what the bands leave out is hardly known."""
MIN_LIKENESS = 0.5
"""Of a good part; below, a shift says nothing."""
LOWER = ("focus", "mean_level", "likeness")
"""Measures that have a lower end."""
UPPER = ("mean_level", "dark_share", "bright_share", "seam", "shift_mm")
"""Measures that have an upper end."""


@dataclass(frozen=True, slots=True)
class Learned:
    """Bands, and what they rest on."""

    bands: dict[str, Any]
    """``frame_px``, where all frames had one size, and measure → its band, as a recipe says them."""
    values: dict[str, tuple[float, ...]]
    """Measure → lowest, median and highest value."""
    frames: int
    left_out: tuple[str, ...] = ()
    """Measures that got no band, and why."""


def learn(
    frames: Iterable[Image],
    *,
    roi_px: Box | None,
    mm_per_px: float,
    reference: Reference | None = None,
    margin: float = MARGIN,
) -> Learned:
    """Bands of a view from frames of good parts.

    Args:
        frames: as the camera takes them.
        roi_px: the view's.
        mm_per_px: the view's.
        reference: a good part in its place; None leaves out shift and likeness.
        margin: share of the distance from median to extreme by which a band goes beyond the extreme.

    Raises:
        DataError: If they are too few.
        ValueError: If one does not fit the region or the reference.
    """
    sizes, values = set(), []
    for frame in frames:
        sizes.add((frame.shape[1], frame.shape[0]))
        values.append(measure(frame, roi_px, mm_per_px=mm_per_px, reference=reference))
    learned = learn_from_values(values, mm_per_px=mm_per_px, margin=margin)
    if len(sizes) > 1:
        return learned
    return Learned(
        {"frame_px": list(sizes.pop())} | learned.bands, learned.values, learned.frames, learned.left_out
    )


def learn_from_values(
    values: Sequence[Mapping[str, float]], *, mm_per_px: float, margin: float = MARGIN
) -> Learned:
    """Bands from what was measured of good parts.

    Args:
        values: of each frame, measure → value.
        mm_per_px: the view's.
        margin: share of the distance from median to extreme by which a band goes beyond the extreme.

    Raises:
        DataError: If they are too few.
    """
    if len(values) < MIN_FRAMES:
        raise DataError(
            f"{len(values)} frames of good parts are too few: {MIN_FRAMES} at least, better {FEW_FRAMES}"
        )
    spread = {
        name: tuple(float(q) for q in np.quantile([each[name] for each in values], (0, 0.5, 1)))
        for name in dict.fromkeys((*LOWER, *UPPER))
        if all(name in each for each in values)
    }
    left_out: tuple[str, ...] = ()
    if "likeness" in spread and spread["likeness"][0] < MIN_LIKENESS:
        lowest = spread["likeness"][0]
        left_out = (
            f"shift_mm, likeness: a good part is like the reference by {lowest:.2g} only, from "
            f"{MIN_LIKENESS:g} on its shift can be told",
        )
    bands = {
        name: _band(name, found, mm_per_px, margin)
        for name, found in spread.items()
        if not (left_out and name in ("shift_mm", "likeness"))
    }
    return Learned(bands, spread, len(values), left_out)


def _band(name: str, found: tuple[float, ...], mm_per_px: float, margin: float) -> dict[str, float]:
    lowest, median, highest = found
    least = _least_room(name, median, mm_per_px)
    band = {}
    if name in LOWER:
        low = lowest - max(margin * (median - lowest), least)
        band["min"] = _rounded(max(low, lowest / 2), np.floor)
    if name in UPPER:
        band["max"] = _rounded(highest + max(margin * (highest - median), least), np.ceil)
    return band


def _least_room(name: str, median: float, mm_per_px: float) -> float:
    """Beyond the extreme, where good frames are so alike that a share of their spread would be nothing."""
    return {
        "focus": 0.03 * median,
        "mean_level": 0.02 * median,
        "likeness": 0.05 * median,
        "dark_share": 0.0005,
        "bright_share": 0.0005,
        "seam": 0.1,
        "shift_mm": mm_per_px,
    }[name]


def _rounded(value: float, towards: Any) -> float:
    """To three digits, outwards: nobody reads more, and no good frame may fall out."""
    if value == 0:
        return 0.0
    step = 10.0 ** (np.floor(np.log10(abs(value))) - 2)
    return float(f"{towards(round(value / step, 6)) * step:.6g}")
