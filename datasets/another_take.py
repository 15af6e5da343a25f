"""A golden template as another exposure would show it: registration is never perfect, nor is light."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

Pixels = NDArray[np.uint8]
SHIFT_PX = 2.0
"""A part lies this far from where its template lay, at most: pixels, each way."""
GAIN, OFFSET = 0.1, 10.0
"""Its light differs by this share and by so many grey levels, at most."""


def another_take(template: Pixels, rng: np.random.Generator) -> Pixels:
    """The template moved by up to :data:`SHIFT_PX` and in slightly other light; edges are replicated.

    Args:
        template: (H, W, C) uint8; not changed.
        rng: how far, and how bright.
    """
    (x, y), gain = rng.uniform(-SHIFT_PX, SHIFT_PX, 2), rng.uniform(1 - GAIN, 1 + GAIN)
    offset = rng.uniform(-OFFSET, OFFSET) + 127.5 * (1 - gain)
    lit = cv2.LUT(template, (np.arange(256) * gain + offset).round().clip(0, 255).astype(np.uint8))
    size = (template.shape[1], template.shape[0])
    move = np.array([[1, 0, x], [0, 1, y]])
    moved = cv2.warpAffine(lit, move, size, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(moved, dtype=np.uint8).reshape(template.shape)
