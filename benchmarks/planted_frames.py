"""Whole frames with a fault planted: blur, exposure, saturation, shift, tears."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
from numpy.typing import NDArray

from taktsight.records import Image

Planted = Callable[[Image, Image, np.random.Generator], Image]
"""Of a frame and the one before it, the frame with the fault."""
LOST_ROWS = 40


def blurred(sigma_px: float) -> Planted:
    """Gaussian blur; the noise that it takes away is put back: a lens blurs the part, not the sensor."""

    def plant(image: Image, _: Image, rng: np.random.Generator) -> Image:
        seen = cv2.GaussianBlur(image.astype(np.float32), (0, 0), sigma_px).reshape(image.shape)
        missing = np.sqrt(max(0.0, noise_of(image) ** 2 - noise_of(seen) ** 2))
        return _as_image(seen + rng.normal(0, missing, image.shape))

    return plant


def exposed(gain: float) -> Planted:
    """Another exposure."""
    return lambda image, _before, _rng: _as_image(image * gain)


def saturated(share: float) -> Planted:
    """Exposed until so many values more, 0–1, are 255."""

    def plant(image: Image, _: Image, __: np.random.Generator) -> Image:
        below = image[image < 255]
        kept = np.quantile(below, max(0.0, 1 - share * image.size / below.size))
        return _as_image(image * (255 / max(kept, 1)))

    return plant


def moved(share: float) -> Planted:
    """To the right and down by a share of the longer side; what is not seen repeats the edge."""

    def plant(image: Image, _: Image, __: np.random.Generator) -> Image:
        height, width = image.shape[:2]
        by_px = round(share * max(height, width) / np.sqrt(2))
        to = np.array([[1, 0, by_px], [0, 1, by_px]], np.float32)
        seen = cv2.warpAffine(image, to, (width, height), borderMode=cv2.BORDER_REPLICATE)
        return np.asarray(seen, np.uint8).reshape(image.shape)

    return plant


def torn(image: Image, before: Image, rng: np.random.Generator) -> Image:
    """From a row on it is the frame before, which nobody was given: another part, another moment."""
    height, width = (min(image.shape[axis], before.shape[axis]) for axis in (0, 1))
    row = _row(height, rng)
    return np.concatenate([image[:row, :width], before[row:height, :width]])


def shortened(image: Image, _: Image, rng: np.random.Generator) -> Image:
    """Rows are missing in it, what lies below has moved up, and the last row is repeated."""
    row = _row(image.shape[0] - LOST_ROWS, rng)
    rest = np.repeat(image[-1:], LOST_ROWS, axis=0)
    return np.concatenate([image[:row], image[row + LOST_ROWS :], rest])


def noise_of(image: NDArray[np.generic]) -> float:
    """Grey levels; Immerkær, CVIU 64 (1996), with the median for the mean: edges are no noise."""
    kernel = np.array([[1, -2, 1], [-2, 4, -2], [1, -2, 1]], np.float32)
    rest = cv2.filter2D(image.astype(np.float32), -1, kernel)
    return float(np.median(np.abs(rest)) / 0.6745 / 6)


PLANTED: dict[str, Planted] = {
    "blur 1.5 px": blurred(1.5),
    "blur 2 px": blurred(2.0),
    "blur 3 px": blurred(3.0),
    "exposure −20 %": exposed(0.8),
    "exposure +20 %": exposed(1.2),
    "5 % more saturated": saturated(0.05),
    "moved by 2 %": moved(0.02),
    "moved by 5 %": moved(0.05),
    "torn, never delivered": torn,
    "40 rows missing": shortened,
}


def _row(height: int, rng: np.random.Generator) -> int:
    return int(rng.integers(max(1, height // 10), max(2, height - height // 10)))


def _as_image(values: NDArray[np.floating]) -> Image:
    return np.asarray(np.clip(np.rint(values), 0, 255), np.uint8)
