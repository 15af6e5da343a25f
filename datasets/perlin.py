"""Defects that nobody has seen yet: blots of Perlin noise, filled with texture that does not belong there.

A network that knows ten cracks knows ten cracks. These have every shape from specks to streaks, and no
label: they teach where a part is not as it should be (after Zavrtanik et al. 2021, "DRAEM"). The texture
is another part's, changed: no set of foreign pictures is needed.
"""

from __future__ import annotations

import math

import cv2
import numpy as np
from numpy.typing import NDArray

from taktsight.datasets.masks import FULL

Pixels = NDArray[np.uint8]
Floats = NDArray[np.float32]
FINEST_PX = 8
"""Smallest lattice cell of the noise: its blots are specks of a few pixels."""
THRESHOLD = 0.5
"""Noise of −1 to 1 above it is defective, as in the paper."""
FAINTEST, BLOCK_PX = 0.1, 16
"""Least opacity, as in the paper; side of the blocks that a texture is shuffled in."""
LEAST_CHANGE = 4.0
"""Grey levels, mean of the channels of 5 × 5 pixels: less is lost in the noise of a camera."""


def perlin_defect(
    image: Pixels, donor: Pixels, rng: np.random.Generator, *, foreground: NDArray[np.bool_] | None = None
) -> tuple[Pixels, Pixels]:
    """A good part with a defect that has no name.

    Args:
        image: (H, W, C) a good part; not changed.
        donor: (h, w, C) what the texture is made from: another part, or the same one.
        rng: shape, texture and opacity; the same state gives the same defect.
        foreground: (H, W) True where defects may lie; everywhere if left out.

    Returns:
        The image (H, W, C), and the mask (H, W): FULL where the defect can be seen, else 0. Where the
        texture happens to look like the part nothing can be seen: the mask is empty, the part as it was.
    """
    blots = _blots(image.shape[:2], rng)
    if foreground is not None:
        blots &= foreground
    texture = _texture(donor, image.shape[:2], rng)
    opacity = np.float32(rng.uniform(FAINTEST, 1.0))
    cover = cv2.GaussianBlur(blots.astype(np.float32), (3, 3), 0) * opacity
    change = texture - image
    change *= np.repeat(cover, image.shape[2]).reshape(image.shape)  # faster than a broadcast over channels
    mean_change = np.abs(change) @ np.full(image.shape[2], 1 / image.shape[2], np.float32)
    seen = blots & (cv2.blur(mean_change, (5, 5)) >= LEAST_CHANGE)
    if not seen.any():
        return image.copy(), np.zeros(image.shape[:2], np.uint8)
    change += image
    return np.rint(change).astype(np.uint8), np.where(seen, np.uint8(FULL), np.uint8(0))


def perlin_noise(size: tuple[int, int], cells_px: tuple[float, float], rng: np.random.Generator) -> Floats:
    """(H, W) float32 gradient noise, −1 to 1 (Perlin 2002, "Improving noise", fade 6t⁵ − 15t⁴ + 10t³).

    At each corner of a lattice a gradient of length 1 in a random direction; each pixel mixes the slopes of
    the four corners around it. The sum is linear in the gradients, so it is two products of matrices.

    Args:
        size: H, W.
        cells_px: height and width of a lattice cell; unequal ones give streaks.
        rng: the directions.
    """
    (rows, row_slopes), (columns, column_slopes) = (
        _weights(side, cell) for side, cell in zip(size, cells_px, strict=True)
    )
    angles = rng.uniform(0, 2 * math.pi, (rows.shape[1], columns.shape[1])).astype(np.float32)
    noise = row_slopes @ np.sin(angles) @ columns.T + rows @ np.cos(angles) @ column_slopes.T
    return np.asarray(noise * np.float32(math.sqrt(2)), dtype=np.float32)


def _weights(side: int, cell: float) -> tuple[Floats, Floats]:
    """(side, corners): how much each lattice corner counts at a pixel, and that × the way from it."""
    place = (np.arange(side) + 0.5) / cell
    way = place[:, np.newaxis] - np.arange(int(place[-1]) + 2)
    near = np.clip(1 - np.abs(way), 0, 1)
    weights = near**3 * (near * (6 * near - 15) + 10)
    return weights.astype(np.float32), (weights * way).astype(np.float32)


def _blots(size: tuple[int, int], rng: np.random.Generator) -> NDArray[np.bool_]:
    """(H, W) True on some of the part, in any direction; one pixel at least."""
    height, width = size
    cells = [min(side, FINEST_PX * 2.0 ** rng.integers(_octaves(side))) for side in size]
    noise = perlin_noise(size, (cells[0], cells[1]), rng)
    turn = cv2.getRotationMatrix2D((width / 2, height / 2), rng.uniform(-90, 90), 1.0)
    noise = np.asarray(cv2.warpAffine(noise, turn, (width, height), borderMode=cv2.BORDER_REFLECT_101))
    if -noise.min() > noise.max():  # noise has no up and down, and the coarsest may have hills only
        noise = -noise
    return np.asarray(noise >= min(THRESHOLD, 0.9 * float(noise.max())))


def _octaves(side: int) -> int:
    """How many times the finest cell can be doubled until one spans the side, and one more."""
    return max(1, math.ceil(math.log2(side / FINEST_PX)) + 1) if side > FINEST_PX else 1


def _texture(donor: Pixels, size: tuple[int, int], rng: np.random.Generator) -> Floats:
    """(H, W, C) float32 0–255: the donor moved, turned over, perhaps in pieces, in another light."""
    height, width = size
    shift = rng.integers(0, donor.shape[:2])
    moved = np.roll(donor, (int(shift[0]), int(shift[1])), axis=(0, 1))
    for axis in (0, 1):
        if rng.random() < 0.5:
            moved = np.flip(moved, axis)
    moved = np.pad(
        moved,
        [(0, max(0, height - moved.shape[0])), (0, max(0, width - moved.shape[1])), (0, 0)],
        mode="wrap",
    )[:height, :width]
    if rng.random() < 0.5:
        moved = _shuffled(moved, rng)
    lit = moved.astype(np.float32)
    if rng.random() < 0.25:
        lit = 255 - lit
    gain, offset = rng.uniform(0.4, 1.6), rng.uniform(-80, 80)
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
