"""What a made-up defect looks like inside: another part's texture, or the part itself in another tone."""

from __future__ import annotations

import math

import cv2
import numpy as np
from numpy.typing import NDArray

Pixels = NDArray[np.uint8]
Floats = NDArray[np.float32]
BLOCK_PX = 16
"""Side of the blocks that a texture is shuffled in."""
FAINTEST, STRONGEST = 8.0, 120.0
"""Grey levels that a tone differs by."""


def fill(image: Pixels, donor: Pixels, rng: np.random.Generator) -> Floats:
    """(H, W, C) float32: what stands where the defect lies."""
    return tone(image, rng) if rng.random() < 0.6 else texture(donor, (image.shape[0], image.shape[1]), rng)


def tone(image: Pixels, rng: np.random.Generator) -> Floats:
    """The part darker or brighter, with its own detail or without it."""
    base = image.astype(np.float32)
    if rng.random() < 0.5:  # a hole or a spot of dirt hides what was there
        base = np.asarray(cv2.blur(base, (15, 15)), np.float32).reshape(image.shape)
        base += np.asarray(rng.normal(0, rng.uniform(0, 8), image.shape), np.float32)
    change = math.exp(rng.uniform(math.log(FAINTEST), math.log(STRONGEST)))
    sign = -1 if rng.random() < 0.6 else 1
    tint = np.asarray(rng.uniform(0.5, 1.0, image.shape[2]), np.float32)
    if rng.random() < 0.5:
        tint[:] = 1
    return np.asarray((base + np.float32(sign * change) * tint).clip(0, 255), np.float32)


def texture(donor: Pixels, size: tuple[int, int], rng: np.random.Generator) -> Floats:
    """(H, W, C) float32 0–255: the donor moved, turned over, perhaps in pieces, in another light."""
    height, width = size
    shift = rng.integers(0, donor.shape[:2])
    moved = np.roll(donor, (int(shift[0]), int(shift[1])), axis=(0, 1))
    for axis in (0, 1):
        if rng.random() < 0.5:
            moved = np.flip(moved, axis)
    if rng.random() < 0.3:  # grain that runs the other way
        moved = moved.swapaxes(0, 1)
    moved = np.pad(
        moved,
        [(0, max(0, height - moved.shape[0])), (0, max(0, width - moved.shape[1])), (0, 0)],
        mode="wrap",
    )[:height, :width]
    if rng.random() < 0.5:
        moved = _shuffled(moved, rng)
    lit = moved.astype(np.float32)
    if rng.random() < 0.15:
        lit = 255 - lit
    gain, offset = rng.uniform(0.4, 1.6), rng.normal(0, 40)
    lit = (lit - 127.5) * np.float32(gain) + np.float32(127.5 + offset)
    return np.asarray(lit.clip(0, 255), dtype=np.float32)


def _shuffled(image: Pixels, rng: np.random.Generator) -> Pixels:
    """The image cut into blocks that lie in another order; what is left at the edges stays."""
    rows, columns, channels = image.shape[0] // BLOCK_PX, image.shape[1] // BLOCK_PX, image.shape[2]
    height, width = rows * BLOCK_PX, columns * BLOCK_PX
    blocks = image[:height, :width].reshape(rows, BLOCK_PX, columns, BLOCK_PX, channels)
    blocks = blocks.swapaxes(1, 2).reshape(rows * columns, BLOCK_PX, BLOCK_PX, channels)
    blocks = blocks[rng.permutation(len(blocks))].reshape(rows, columns, BLOCK_PX, BLOCK_PX, channels)
    shuffled = image.copy()
    shuffled[:height, :width] = blocks.swapaxes(1, 2).reshape(height, width, channels)
    return shuffled
