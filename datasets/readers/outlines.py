"""Boxes and polygons as annotation files give them, checked against their image."""

from __future__ import annotations

import math
from collections.abc import Sequence

from taktsight.datasets.readers.sizes import Size
from taktsight.datasets.regions import Polygon, Rectangle, Ring
from taktsight.errors import DataError

OVERSHOOT_PX = 1.0
"""Tools round outwards: so far beyond the image's edge is cut off; further is a mistake."""


def rectangle(x0: float, y0: float, x1: float, y1: float, size: Size) -> Rectangle:
    """A box with its corners in pixels, cut off at the image's edge.

    Raises:
        DataError: If it has no size, or reaches beyond the image.
    """
    if not (x0 < x1 and y0 < y1):
        raise DataError(
            f"the box from {x0:g}, {y0:g} to {x1:g}, {y1:g} has no size; wanted is x0 < x1 and y0 < y1"
        )
    height, width = size
    box = Rectangle(
        _cut(x0, width, "x"), _cut(y0, height, "y"), _cut(x1, width, "x"), _cut(y1, height, "y")
    )
    if box.x0 == box.x1 or box.y0 == box.y1:
        raise DataError(f"the box from {x0:g}, {y0:g} to {x1:g}, {y1:g} lies outside the image")
    return box


def ring(corners: Sequence[Sequence[float]], size: Size) -> Ring:
    """A closed outline with its corners in pixels, cut off at the image's edge.

    Raises:
        DataError: If it has fewer than three corners, or one lies beyond the image.
    """
    if len(corners) < 3:
        raise DataError(f"the polygon has {len(corners)} corners, wanted are 3 or more; draw it again")
    if any(len(corner) != 2 for corner in corners):
        raise DataError("a corner of the polygon is not a pair x, y")
    height, width = size
    return tuple((_cut(x, width, "x"), _cut(y, height, "y")) for x, y in corners)


def polygon(corners: Sequence[Sequence[float]], size: Size) -> Polygon:
    """A region with one outline; raises as :func:`ring` does."""
    return Polygon((ring(corners, size),))


def pairs(values: Sequence[float]) -> list[tuple[float, float]]:
    """x, y, x, y, … as corners.

    Raises:
        DataError: If a y is missing.
    """
    if len(values) % 2:
        raise DataError(f"the polygon has {len(values)} numbers, wanted is an x and a y for each corner")
    return list(zip(values[::2], values[1::2], strict=True))


def _cut(value: float, side: int, axis: str) -> float:
    if not math.isfinite(value):
        raise DataError(f"{axis} is {value}, wanted is a number")
    if not -OVERSHOOT_PX <= value <= side + OVERSHOOT_PX:
        raise DataError(
            f"{axis} = {value:g} lies outside the image, which is {side} pixels along {axis}; "
            "correct the drawing, or say which image it was made on"
        )
    return min(max(value, 0.0), float(side))
