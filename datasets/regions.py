"""Where a person drew a defect, and the pixels that it covers.

Coordinates are pixels of the image, x to the right and y down.

A box has its edges in them, 0 at the outer edge of the first pixel: x from 2 to 5 are the pixels 2, 3, 4.
A polygon has its corners on pixels, each the one nearest to it: the corner 2.4 lies on pixel 2. The pixels
of the outline belong to the region, so the contour of a mask gives back the mask. A tool that counts
corners from the outer edge as well draws a region up to a pixel wider here, never one that is narrower by
more than half a pixel.
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
    """Everything inside any of the rings, and the pixels of the outlines."""

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

    def __post_init__(self) -> None:
        if min(self.counts, default=-1) < 0 or sum(self.counts) != self.height * self.width:
            raise ValueError(
                f"runs must be ≥ 0 and sum to {self.height} × {self.width}, got {len(self.counts)} runs "
                f"with the sum {sum(self.counts)}"
            )


Shape = Polygon | Rectangle | RunLengths


@dataclass(frozen=True, slots=True)
class Region:
    """One drawn defect."""

    label: str
    shape: Shape


def cover(shape: Shape, size: tuple[int, int]) -> Cover:
    """(H, W) True where the shape lies; what lies outside the image is cut off.

    A box covers the pixels whose centre lies in it, and one at least.

    Args:
        shape: what was drawn; corners within ±1,000,000.
        size: height and width of the image, pixels.

    Raises:
        ValueError: If runs were made for an image of another size.
    """
    if isinstance(shape, RunLengths):
        if (shape.height, shape.width) != tuple(size):
            raise ValueError(
                f"runs of {shape.width}×{shape.height} pixels do not lie on {size[1]}×{size[0]}"
            )
        values = np.arange(len(shape.counts)) % 2 == 1
        return np.repeat(values, shape.counts).reshape(shape.width, shape.height).T
    covered = np.zeros(size, np.uint8)
    if isinstance(shape, Rectangle):
        rows, columns = _pixels(shape.y0, shape.y1), _pixels(shape.x0, shape.x1)
        covered[rows, columns] = 1
        return covered.astype(np.bool_)
    for ring in shape.rings:
        cv2.fillPoly(covered, [_nearest(np.asarray(ring, np.float64))], (1,))
    return covered.astype(np.bool_)


def run_lengths(covered: Cover) -> RunLengths:
    """The pixels as runs: :func:`cover` of them gives the pixels back.

    Args:
        covered: (H, W), one pixel at least.
    """
    height, width = covered.shape
    column_by_column = covered.T.ravel()
    ends = np.append(np.flatnonzero(np.diff(column_by_column)) + 1, column_by_column.size)
    lengths = np.diff(ends, prepend=0).tolist()
    return RunLengths(height, width, (0, *lengths) if column_by_column[0] else tuple(lengths))


def area_px(shape: Shape) -> float:
    """The drawn area, pixels²; rings that overlap count twice."""
    if isinstance(shape, RunLengths):
        return float(sum(shape.counts[1::2]))
    if isinstance(shape, Rectangle):
        return (shape.x1 - shape.x0) * (shape.y1 - shape.y0)
    return sum(_enclosed(ring) for ring in shape.rings)


def box_of(shape: Shape) -> tuple[float, float, float, float]:
    """The smallest box around the shape: x0, y0, x1, y1, the edges of its pixels."""
    if isinstance(shape, Rectangle):
        return shape.x0, shape.y0, shape.x1, shape.y1
    if isinstance(shape, RunLengths):
        rows, columns = np.nonzero(cover(shape, (shape.height, shape.width)))
    else:
        columns, rows = _nearest(np.concatenate([np.asarray(ring, np.float64) for ring in shape.rings])).T
    return float(columns.min()), float(rows.min()), float(columns.max() + 1), float(rows.max() + 1)


def main_label(regions: Sequence[Region]) -> str:
    """The label with the largest drawn area; of two equal ones the first in the alphabet.

    Args:
        regions: one at least.
    """
    areas: dict[str, float] = {}
    for region in regions:
        areas[region.label] = areas.get(region.label, 0.0) + area_px(region.shape)
    return min(areas, key=lambda label: (-areas[label], label))


def _enclosed(ring: Ring) -> float:
    """The shoelace formula."""
    x, y = np.asarray(ring, np.float64).T
    return float(abs(np.dot(x, np.roll(y, -1)) - np.dot(y, np.roll(x, -1))) / 2)


def _pixels(start: float, end: float) -> slice:
    """Those whose centre lies between two edges; of a thinner box the one its middle lies in."""
    first, last = _nearest(np.array([start, end])).tolist()
    if first == last:
        first = int(np.floor((start + end) / 2))
        last = first + 1
    return slice(max(0, first), max(0, last))


def _nearest(values: NDArray[np.float64]) -> NDArray[np.int32]:
    """Halves go up: the same on every machine and on both sides of the image."""
    return np.floor(values + 0.5).astype(np.int32)
