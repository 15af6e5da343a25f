"""Where a made-up defect lies, and how sharply it ends: blots, cracks, pits, stains, bands, patches."""

from __future__ import annotations

import math
from collections.abc import Callable

import cv2
import numpy as np
from numpy.typing import NDArray

from taktsight.datasets.made_up.perlin import perlin_blots, perlin_noise

Cover = NDArray[np.float32]
"""(H, W) 0–1: how much of each pixel the defect takes."""
STEP_PX = 4
"""A crack turns a little after so many pixels."""


def draw_shape(size: tuple[int, int], rng: np.random.Generator) -> Cover:
    """One of the kinds, anywhere, of any size; it may reach over the edge of the part.

    Args:
        size: H, W.
        rng: kind, place, size and direction.
    """
    return _KINDS[rng.integers(len(_KINDS))](size, rng)


def blots(size: tuple[int, int], rng: np.random.Generator) -> Cover:
    """Islands of Perlin noise with an edge one pixel soft."""
    return _soft(perlin_blots(size, rng).astype(np.float32), 0.8)


def crack(size: tuple[int, int], rng: np.random.Generator) -> Cover:
    """A line that wanders and thins out, with a branch now and then."""
    cover = np.zeros(size, np.float32)
    start = rng.uniform(0, size)
    heading = rng.uniform(0, 2 * math.pi)
    length = math.exp(rng.uniform(math.log(12), math.log(max(13.0, 0.9 * max(size)))))
    thickness = math.exp(rng.uniform(0, math.log(6)))
    _walk(cover, start, heading, length, thickness, rng)
    while rng.random() < 0.25:
        _walk(cover, start, heading + rng.normal(0, 0.8), length / 2, thickness * 0.7, rng)
    return _soft(cover, rng.uniform(0.3, 1.0))


def pits(size: tuple[int, int], rng: np.random.Generator) -> Cover:
    """One to four round holes close together."""
    cover = np.zeros(size, np.float32)
    centre = rng.uniform(0, size)
    for _ in range(int(rng.integers(1, 5))):
        y, x = centre + rng.normal(0, 12, 2)
        radius = math.exp(rng.uniform(math.log(1.5), math.log(14)))
        axes = (max(1, round(radius)), max(1, round(radius * rng.uniform(0.5, 1))))
        cv2.ellipse(cover, (round(x), round(y)), axes, rng.uniform(0, 180), 0, 360, (1.0,), -1)
    return _soft(cover, rng.uniform(0.4, 1.5))


def stain(size: tuple[int, int], rng: np.random.Generator) -> Cover:
    """A wide patch whose edge is anything from sharp to a slow fade."""
    cells = [max(8.0, side * rng.uniform(0.3, 1.2)) for side in size]
    noise = perlin_noise(size, (cells[0], cells[1]), rng)
    spread = rng.uniform(0.02, 0.5)
    edge = np.quantile(noise[::4, ::4], rng.uniform(0.6, 0.97))
    return np.asarray(((noise - edge) / spread).clip(0, 1), dtype=np.float32)


def band(size: tuple[int, int], rng: np.random.Generator) -> Cover:
    """A strip across the part from one side to the other, as of another pass of the tool."""
    height, width = size
    across = int(rng.integers(2))
    wide = size[across] * math.exp(rng.uniform(math.log(0.02), math.log(0.5)))
    start = rng.uniform(-wide / 2, size[across] - wide / 2)
    place = np.arange(size[across], dtype=np.float32)
    soft = rng.uniform(1, max(2.0, wide / 4))
    profile = np.minimum((place - start) / soft, (start + wide - place) / soft).clip(0, 1)
    strip = profile[:, np.newaxis] if across == 0 else profile[np.newaxis, :]
    return np.ascontiguousarray(np.broadcast_to(strip, (height, width)))


def patch(size: tuple[int, int], rng: np.random.Generator) -> Cover:
    """A rectangle at any angle, from a scar to a tenth of the part (Li et al. 2021, "CutPaste")."""
    cover = np.zeros(size, np.float32)
    area = size[0] * size[1] * math.exp(rng.uniform(math.log(0.001), math.log(0.1)))
    aspect = math.exp(rng.uniform(-2, 2))
    y, x = rng.uniform(0, size)
    box = ((x, y), (math.sqrt(area * aspect), math.sqrt(area / aspect)), rng.uniform(0, 180))
    cv2.fillPoly(cover, [np.rint(cv2.boxPoints(box)).astype(np.int32)], (1.0,))
    return _soft(cover, rng.uniform(0.3, 1.5))


_KINDS: tuple[Callable[[tuple[int, int], np.random.Generator], Cover], ...] = (
    blots, crack, crack, pits, stain, band, patch,
)  # fmt: skip  # cracks twice: thin things are what a network misses


def _walk(
    cover: Cover,
    start: NDArray[np.float64],
    heading: float,
    length: float,
    thickness: float,
    rng: np.random.Generator,
) -> None:
    """Draws a path; ``cover`` is changed."""
    steps = max(2, round(length / STEP_PX))
    headings = heading + np.cumsum(rng.normal(0, 0.25, steps))
    path = start + np.cumsum(STEP_PX * np.stack([np.sin(headings), np.cos(headings)], axis=1), axis=0)
    widths = thickness * np.linspace(1, 0.4, steps) * rng.uniform(0.7, 1.3, steps)
    for (y0, x0), (y1, x1), width in zip(path, path[1:], widths, strict=False):
        ends = ((round(x0 * 16), round(y0 * 16)), (round(x1 * 16), round(y1 * 16)))
        cv2.line(cover, *ends, (1.0,), max(1, round(width)), cv2.LINE_8, 4)


def _soft(cover: Cover, sigma: float) -> Cover:
    return np.asarray(cv2.GaussianBlur(cover, (0, 0), sigma), dtype=np.float32)
