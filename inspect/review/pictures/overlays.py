"""What a network saw in a frame, as a page draws it: a map per label, and contours in frame pixels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import cv2
import numpy as np
from numpy.typing import NDArray

from taktsight.image_files import encode_png
from taktsight.imaging import Layout
from taktsight.records import Box, Maps

MAX_CONTOURS = 200
"""Of one view, the largest."""
MAX_POINTS = 400
"""Of one contour."""
MAX_MAP_PIXELS = 4_000_000
_FINE = 4
"""A map pixel is drawn as a square of so many cells, so that a region of one pixel has an outline."""


@dataclass(frozen=True, slots=True)
class Contour:
    """The outline of one region."""

    label: str
    score: float
    """0–1, the highest map value in it."""
    area_mm2: float
    points: tuple[tuple[int, int], ...]
    """x, y in frame pixels, closed."""
    box_px: Box


@dataclass(frozen=True, slots=True)
class Overlay:
    """What is drawn over a frame."""

    is_ready: bool
    why: str = ""
    """Why there is none, or what a reader must know of it; a sentence."""
    labels: tuple[str, ...] = ()
    scores: Mapping[str, float] = field(default_factory=dict)
    """Label → score, as judged again."""
    maps: Mapping[str, bytes] = field(default_factory=dict)
    """Label → PNG at the map's resolution, 0–255 for 0–1; empty of a classifier."""
    map_box_px: Box = (0, 0, 0, 0)
    """Where the maps lie in the frame; they may reach beyond its edge by less than a map pixel."""
    contours: tuple[Contour, ...] = ()

    @property
    def bytes(self) -> int:
        """About, in memory."""
        points = sum(len(contour.points) for contour in self.contours)
        return 2000 + sum(map(len, self.maps.values())) + 150 * points


def contours_of(
    maps: Maps,
    labels: Sequence[str],
    map_scores: Sequence[float],
    layout: Layout,
    *,
    cell_px: int,
    mm_per_px: float,
) -> tuple[Contour, ...]:
    """Outlines of the regions that the recipe's map limits make, largest first.

    The regions are those of :func:`taktsight.imaging.locate`, 8-connected; holes are not drawn.

    Args:
        maps: (K, h, w) float32 of the judged region.
        labels: K names.
        map_scores: K map values from which a pixel belongs to a region, 0–1.
        layout: as ``prepare`` returned it.
        cell_px: frame pixels per map pixel.
        mm_per_px: of the frame.
    """
    cell_mm2 = (cell_px * mm_per_px) ** 2
    found = []
    for label, score_map, map_score in zip(labels, maps, map_scores, strict=True):
        mask = (score_map >= map_score).astype(np.uint8)
        count, regions, stats, _ = cv2.connectedComponentsWithStats(mask, connectivity=8)
        largest = sorted(range(1, count), key=lambda region: -stats[region, cv2.CC_STAT_AREA])
        for region in largest[:MAX_CONTOURS]:
            x, y, width, height, pixels = stats[region].tolist()
            window = np.s_[y : y + height, x : x + width]
            inside = regions[window] == region
            points = _outline(inside, x, y, cell_px, layout.roi_px)
            score = float(score_map[window][inside].max())
            found.append(Contour(label, score, pixels * cell_mm2, points, _box(points)))
    return tuple(sorted(found, key=lambda contour: -contour.area_mm2)[:MAX_CONTOURS])


def map_png(score_map: NDArray[np.float32]) -> bytes:
    """A map as grey levels."""
    levels = np.round(score_map * 255).astype(np.uint8)
    while levels.size > MAX_MAP_PIXELS:  # the highest of four: a region may grow, and is never lost
        tall, wide = (side + side % 2 for side in levels.shape)
        padded = np.zeros((tall, wide), np.uint8)
        padded[: levels.shape[0], : levels.shape[1]] = levels
        levels = padded.reshape(tall // 2, 2, wide // 2, 2).max(axis=(1, 3))
    return encode_png(levels[:, :, np.newaxis], 1)


def map_box(score_map: NDArray[np.float32], cell_px: int, roi_px: Box) -> Box:
    """Where a map lies in the frame."""
    height, width = score_map.shape
    return roi_px[0], roi_px[1], roi_px[0] + width * cell_px, roi_px[1] + height * cell_px


def _outline(
    inside: NDArray[np.bool_], left: int, top: int, cell_px: int, roi_px: Box
) -> tuple[tuple[int, int], ...]:
    """The outer edge of one region, in frame pixels and within the judged region."""
    padded = np.pad(inside, 1).astype(np.uint8)
    fine: NDArray[np.uint8] = padded.repeat(_FINE, axis=0).repeat(_FINE, axis=1)
    outlines, _ = cv2.findContours(fine, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
    outline = max(outlines, key=len)
    step = 1.0
    while len(outline) > MAX_POINTS:
        outline, step = cv2.approxPolyDP(outline, step, closed=True), step * 2
    # Outlines run along the first and last cells of map pixels: from the last one on it is the next edge.
    whole, rest = np.divmod(outline.reshape(-1, 2), _FINE)
    edges = whole + (rest >= _FINE // 2) - 1
    frame = (edges + np.array([left, top])) * cell_px + roi_px[:2]
    bounded = np.clip(frame, roi_px[:2], roi_px[2:]).astype(np.int64)
    return tuple((int(x), int(y)) for x, y in bounded)


def _box(points: Sequence[tuple[int, int]]) -> Box:
    across, down = [x for x, _ in points], [y for _, y in points]
    return min(across), min(down), max(across), max(down)
