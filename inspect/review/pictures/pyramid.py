"""A frame as tiles of several sizes, as Deep Zoom lays them out: level 0 is one pixel, the last one 1:1.

Levels below 1:1 are for finding one's way, and JPEG. At 1:1 every pixel is the one that was judged: PNG.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from taktsight.errors import ReviewError
from taktsight.image_files import encode_png
from taktsight.records import Image

TILE_PX = 1024
"""A browser draws anew with each tile that comes: 12 MP that fit are 5 of these, or 16 of 512 px."""
JPEG_QUALITY = 90
OVERVIEW_PX = 2048
"""Longer side of the largest level that is prepared before anybody asks."""


@dataclass(frozen=True, slots=True)
class Pyramid:
    """A decoded frame and its halves."""

    levels: tuple[Image, ...]
    """1:1 first, then each half the size of the one before, down to one tile."""

    @property
    def width(self) -> int:
        """Pixels at 1:1."""
        return int(self.levels[0].shape[1])

    @property
    def height(self) -> int:
        """Pixels at 1:1."""
        return int(self.levels[0].shape[0])

    @property
    def bytes(self) -> int:
        """In memory."""
        return sum(level.nbytes for level in self.levels)


def max_level(width: int, height: int) -> int:
    """The level that is 1:1.

    >>> max_level(4000, 3000), max_level(1, 1)
    (12, 0)
    """
    return (max(width, height) - 1).bit_length()


def level_size(width: int, height: int, level: int) -> tuple[int, int]:
    """Width and height of a level: halved and rounded up, as often as it takes.

    >>> level_size(4000, 3000, 11), level_size(4000, 3000, 0)
    ((2000, 1500), (1, 1))
    """
    scale = 1 << (max_level(width, height) - level)
    return -(-width // scale), -(-height // scale)


def make_pyramid(image: Image) -> Pyramid:
    """Halves by area means: a pit of two pixels is paler below 1:1, and never gone."""
    levels = [image]
    while max(levels[-1].shape[:2]) > TILE_PX:
        height, width, channels = levels[-1].shape
        size = (-(-width // 2), -(-height // 2))
        half = cv2.resize(levels[-1], size, interpolation=cv2.INTER_AREA)
        levels.append(np.asarray(half, np.uint8).reshape(size[1], size[0], channels))
    return Pyramid(tuple(levels))


def overview_tiles(width: int, height: int) -> list[tuple[int, int, int]]:
    """Level, column and row of the tiles that a bench asks for first, the coarsest first."""
    found = []
    for level in range(max_level(width, height) + 1):
        wide, tall = level_size(width, height, level)
        if max(wide, tall) > OVERVIEW_PX:
            break
        if max(wide, tall) * 2 <= TILE_PX and level < max_level(width, height):
            continue
        rows, columns = -(-tall // TILE_PX), -(-wide // TILE_PX)
        found += [(level, column, row) for row in range(rows) for column in range(columns)]
    return found


def tile_of(pyramid: Pyramid, level: int, column: int, row: int) -> bytes:
    """An encoded tile.

    Raises:
        ReviewError: If the frame has no such tile.
    """
    top = max_level(pyramid.width, pyramid.height)
    if not 0 <= level <= top:
        raise ReviewError(f"there is no level {level}; the last one is {top}")
    image = _level(pyramid, top - level)
    height, width = image.shape[:2]
    x, y = column * TILE_PX, row * TILE_PX
    if not (0 <= x < width and 0 <= y < height):
        raise ReviewError(f"level {level} has no tile {column}, {row}")
    cut = np.ascontiguousarray(image[y : y + TILE_PX, x : x + TILE_PX])
    return encode_png(cut) if level == top else encode_jpeg(cut)


def encode_jpeg(image: Image, quality: int = JPEG_QUALITY) -> bytes:
    """With losses, and small."""
    stored = cv2.cvtColor(image, cv2.COLOR_RGB2BGR) if image.shape[2] == 3 else image
    return cv2.imencode(".jpg", stored, (cv2.IMWRITE_JPEG_QUALITY, quality))[1].tobytes()


def shrunk(pyramid: Pyramid, side_px: int) -> Image:
    """The frame, so that its longer side has at most so many pixels."""
    fitting = [level for level in pyramid.levels if max(level.shape[:2]) >= side_px]
    image = fitting[-1] if fitting else pyramid.levels[0]
    height, width, channels = image.shape
    scale = min(1.0, side_px / max(height, width))
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    small = cv2.resize(image, size, interpolation=cv2.INTER_AREA)
    return np.asarray(small, np.uint8).reshape(size[1], size[0], channels)


def media_type(content: bytes) -> str:
    """Of an encoded tile or thumbnail."""
    return "image/png" if content.startswith(b"\x89PNG") else "image/jpeg"


def _level(pyramid: Pyramid, halvings: int) -> Image:
    if halvings < len(pyramid.levels):
        return pyramid.levels[halvings]
    width, height = level_size(
        pyramid.width, pyramid.height, max_level(pyramid.width, pyramid.height) - halvings
    )
    image = pyramid.levels[-1]
    small = cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA)
    return np.asarray(small, np.uint8).reshape(height, width, image.shape[2])
