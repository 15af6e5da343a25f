"""Which part stands before the camera, in a file that the belt and the camera's process share.

The camera sees whatever stands there when it exposes, as on a real belt: one that is late sees the next
part. Each image carries the part's number, so that a frame says itself what it shows.
"""

from __future__ import annotations

import mmap
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np

from taktsight.errors import CameraError
from taktsight.inspect.simulation.gige_server import Scene
from taktsight.records import Image

NOISE = 2.0
"""Standard deviation of a simulated sensor, grey levels: without any, two exposures would be alike."""
MARK_BITS = 32
_BYTES = 8


class BeltPlace:
    """The number of the part before the camera; 0 before the first."""

    def __init__(self, file: Path) -> None:
        """Opens the file, and makes it where there is none."""
        if not file.exists():
            file.write_bytes(bytes(_BYTES))
        with file.open("r+b") as opened:
            self._number = memoryview(mmap.mmap(opened.fileno(), _BYTES)).cast("Q")

    @property
    def part(self) -> int:
        """The part that stands there now."""
        return self._number[0]

    @part.setter
    def part(self, number: int) -> None:
        self._number[0] = number


class SensorNoise:
    """Noise of its own for each exposure: another cut of each of two large fields."""

    def __init__(self, shape: tuple[int, ...], seed: int | None = None) -> None:
        """Of images of a shape (H, W, C). Without a seed no two cameras are alike, as after a restart."""
        self._height, self._width = shape[:2]
        self._chance = np.random.default_rng(seed)
        field = self._chance.normal(0, NOISE, (2 * shape[0], 2 * shape[1], *shape[2:]))
        self._above = np.clip(field, 0, 255).round().astype(np.uint8)
        self._below = np.clip(-field, 0, 255).round().astype(np.uint8)

    def over(self, image: Image) -> Image:
        """The image (H, W, C) as a sensor sees it this time."""
        seen = cv2.subtract(cv2.add(image, self._cut(self._above)), self._cut(self._below))
        return np.asarray(seen, np.uint8).reshape(image.shape)

    def _cut(self, field: Image) -> Image:
        y, x = self._chance.integers(self._height), self._chance.integers(self._width)
        return field[y : y + self._height, x : x + self._width]


def marked(image: Image, part: int) -> Image:
    """The image with the number of its part in the lowest bits of its first bytes: less than the noise."""
    copy = np.ascontiguousarray(image)
    first = copy.reshape(-1)[:MARK_BITS]
    first[:] = (first & 0xFE) | (part >> np.arange(MARK_BITS) & 1).astype(np.uint8)
    return copy


def part_shown(image: Image) -> int:
    """The number of the part that a frame shows, as the frame itself says."""
    bits = image.reshape(-1)[:MARK_BITS] & 1
    return int((bits.astype(np.int64) << np.arange(MARK_BITS)).sum())


def belt_scene(images: Sequence[Image], file: Path) -> Scene:
    """What a camera above the belt sees: of part n the n-th image, beginning again behind the last.

    Args:
        images: (H, W, C) each, of one size.
        file: says which part stands there.

    Raises:
        CameraError: If they are not of one size.
    """
    first = images[0].shape
    if odd := [image.shape for image in images if image.shape != first]:
        raise CameraError(f"images of {odd[0]} and of {first}: one camera sees one size")
    place, noise = BeltPlace(file), SensorNoise(first)

    def scene(_number: int, _exposed_ns: int) -> Image:
        part = place.part
        return marked(noise.over(images[(part - 1) % len(images)]), part)

    return scene
