"""Where a person drew a defect, and the pixels that it covers.

Coordinates are pixels of the image, x to the right and y down, 0 at the outer edge of the first pixel.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

Ring = tuple[tuple[float, float], ...]
"""Corners x, y of a closed outline, three or more."""
Cover = NDArray[np.bool_]
"""(H, W) True where the region lies."""


@dataclass(frozen=True, slots=True)
class Polygon:
    """Everything inside any of the rings, and every pixel an outline touches."""

    rings: tuple[Ring, ...]


@dataclass(frozen=True, slots=True)
class Rectangle:
    """A box: the defect is somewhere inside, and every pixel inside counts as defective."""

    x0: float
    y0: float
    x1: float
    y1: float


@dataclass(frozen=True, slots=True)
class RunLengths:
    """Runs of 0 and 1 in turn, column by column, as COCO writes a mask."""

    height: int
    width: int
    counts: tuple[int, ...]
    """Lengths of the runs; the first is of 0. They sum to ``height`` × ``width``."""


Shape = Polygon | Rectangle | RunLengths


@dataclass(frozen=True, slots=True)
class Region:
    """One drawn defect."""

    label: str
    shape: Shape


def cover(shape: Shape, size: tuple[int, int]) -> Cover:
    """(H, W) True where the shape lies; what lies outside the image is cut off.

    Args:
        shape: what was drawn.
        size: height and width of the image, pixels.
    """
    height, width = size
    if isinstance(shape, RunLengths):
        values = np.arange(len(shape.counts)) % 2 == 1
        return np.repeat(values, shape.counts).reshape(shape.width, shape.height).T
    covered = np.zeros(size, np.uint8)
    if isinstance(shape, Rectangle):
        x0, y0 = max(0, int(np.floor(shape.x0))), max(0, int(np.floor(shape.y0)))
        covered[y0 : max(y0, int(np.ceil(shape.y1))), x0 : max(x0, int(np.ceil(shape.x1)))] = 1
        return covered.astype(bool)
    for ring in shape.rings:
        corners = np.clip(np.floor(np.asarray(ring, np.float64)), -1, [width, height]).astype(np.int32)
        cv2.fillPoly(covered, [corners], (1,))
    return covered.astype(bool)


def area_px(shape: Shape) -> float:
    """The drawn area, pixels²; rings that overlap count twice."""
    if isinstance(shape, RunLengths):
        return float(sum(shape.counts[1::2]))
    if isinstance(shape, Rectangle):
        return (shape.x1 - shape.x0) * (shape.y1 - shape.y0)
    return sum(_enclosed(ring) for ring in shape.rings)


def main_label(regions: Sequence[Region]) -> str:
    """The label with the largest drawn area; of two equal ones the first in the alphabet."""
    areas: dict[str, float] = {}
    for region in regions:
        areas[region.label] = areas.get(region.label, 0.0) + area_px(region.shape)
    return min(areas, key=lambda label: (-areas[label], label))


def _enclosed(ring: Ring) -> float:
    """The shoelace formula."""
    x, y = np.asarray(ring, np.float64).T
    return float(abs(np.dot(x, np.roll(y, -1)) - np.dot(y, np.roll(x, -1))) / 2)
