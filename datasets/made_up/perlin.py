"""Gradient noise, and blots cut out of it: shapes from specks to streaks, in any direction."""

from __future__ import annotations

import math

import cv2
import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
FINEST_PX = 8
"""Smallest lattice cell of the noise: its blots are specks of a few pixels."""
THRESHOLD = 0.5
"""Noise of −1 to 1 above it is a blot (Zavrtanik et al. 2021, "DRAEM")."""


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


def perlin_blots(size: tuple[int, int], rng: np.random.Generator) -> NDArray[np.bool_]:
    """(H, W) True on some of the part, in any direction; one pixel at least."""
    height, width = size
    cells = [min(side, FINEST_PX * 2.0 ** rng.integers(_octaves(side))) for side in size]
    noise = perlin_noise(size, (cells[0], cells[1]), rng)
    turn = cv2.getRotationMatrix2D((width / 2, height / 2), rng.uniform(-90, 90), 1.0)
    noise = np.asarray(cv2.warpAffine(noise, turn, (width, height), borderMode=cv2.BORDER_REFLECT_101))
    if -noise.min() > noise.max():  # noise has no up and down, and the coarsest may have hills only
        noise = -noise
    return np.asarray(noise >= min(THRESHOLD, 0.9 * float(noise.max())))


def _weights(side: int, cell: float) -> tuple[Floats, Floats]:
    """(side, corners): how much each lattice corner counts at a pixel, and that × the way from it."""
    place = (np.arange(side) + 0.5) / cell
    way = place[:, np.newaxis] - np.arange(int(place[-1]) + 2)
    near = np.clip(1 - np.abs(way), 0, 1)
    weights = near**3 * (near * (6 * near - 15) + 10)
    return weights.astype(np.float32), (weights * way).astype(np.float32)


def _octaves(side: int) -> int:
    """How many times the finest cell can be doubled until one spans the side, and one more."""
    return max(1, math.ceil(math.log2(side / FINEST_PX)) + 1) if side > FINEST_PX else 1
