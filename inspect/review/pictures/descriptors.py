"""How a place in a frame looks, as numbers that two places can be compared by.

A square around the defect, twice as wide as it and 64 pixels at least, becomes the 24 × 32 means of cells
÷ its own mean level with which drift compares frames (:func:`taktsight.quality.drift_frames.cells_of`):
exposure is taken out, shape and size against the square are not. Without a defect it is the whole frame.
To these come the scores of all labels, which say what the network took it for.
"""

from __future__ import annotations

from collections.abc import Mapping

import cv2
import numpy as np
from numpy.typing import NDArray

from taktsight.quality.drift_frames import COLUMNS, ROWS, cells_of
from taktsight.records import Box, Image

Floats = NDArray[np.float64]

LEAST_PX = 64
CELL_SPREAD = 0.1
"""Root mean square of what cells differ by, as a share of the mean level, that counts as one."""
SCORE_SPREAD = 0.25
"""Difference of a score that counts as one."""


def look_of(image: Image, box_px: Box | None) -> Floats:
    """(768,) cells of the square around a box, or of the whole frame."""
    patch = image if box_px is None else _square(image, box_px)
    height, width = patch.shape[:2]
    if height < ROWS or width < COLUMNS:
        size = (max(width, COLUMNS), max(height, ROWS))
        resized = cv2.resize(patch, size, interpolation=cv2.INTER_NEAREST)
        patch = np.asarray(resized, np.uint8).reshape(size[1], size[0], image.shape[2])
    return cells_of(patch)


def distance(
    first: Floats, second: Floats, first_scores: Mapping[str, float], second_scores: Mapping[str, float]
) -> float:
    """0 of the same look and scores; 1 where one of them differs as much as it usually does."""
    looks = float(np.sqrt(np.mean((first - second) ** 2))) / CELL_SPREAD
    shared = first_scores.keys() & second_scores.keys()
    apart = [first_scores[label] - second_scores[label] for label in sorted(shared)]
    scores = float(np.sqrt(np.mean(np.square(apart)))) / SCORE_SPREAD if apart else 0.0
    return float(np.hypot(looks, scores))


def _square(image: Image, box_px: Box) -> Image:
    height, width = image.shape[:2]
    x0, y0, x1, y1 = box_px
    side = min(max(LEAST_PX, 2 * max(x1 - x0, y1 - y0)), height, width)
    left = min(max((x0 + x1 - side) // 2, 0), width - side)
    top = min(max((y0 + y1 - side) // 2, 0), height - side)
    return image[top : top + side, left : left + side]
