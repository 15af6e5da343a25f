"""An image as a camera would send it: the way back from what the line reads."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from taktsight.image_files import with_channels
from taktsight.inspect.cameras.pfnc import PixelFormat
from taktsight.records import Image

_COLOURS = {"R": 0, "G": 1, "B": 2}
_SECOND_ROW = {"RG": "GB", "GR": "BG", "GB": "RG", "BG": "GR"}


def encode(image: Image, pixel_format: PixelFormat) -> bytes:
    """The bytes of a frame without padding; below the eight bits of an image there are zeros.

    Args:
        image: (H, W, 1 or 3) uint8, W even.
        pixel_format: whatever the line can read.
    """
    pattern = pixel_format.pattern
    if pattern in ("rgb", "bgr"):
        colours = with_channels(image, 3)
        return (colours if pattern == "rgb" else colours[:, :, ::-1]).tobytes()
    if pattern in ("yuyv", "uyvy", "yuyv601", "uyvy601"):
        return _yuv(with_channels(image, 3), pattern)
    values = (
        with_channels(image, 1)[:, :, 0] if pattern == "mono" else _mosaic(with_channels(image, 3), pattern)
    )
    return _packed(values, pixel_format)


def _mosaic(image: Image, pattern: str) -> NDArray[np.uint8]:
    values = np.empty(image.shape[:2], np.uint8)
    for row, letters in enumerate((pattern, _SECOND_ROW[pattern])):
        for column, letter in enumerate(letters):
            values[row::2, column::2] = image[row::2, column::2, _COLOURS[letter]]
    return values


def _yuv(image: Image, pattern: str) -> bytes:
    """Two pixels share the colour of the first."""
    planes = cv2.cvtColor(image, cv2.COLOR_RGB2YCrCb).astype(np.float64)
    bright, red, blue = planes[:, :, 0], planes[:, ::2, 1], planes[:, ::2, 2]
    if pattern.endswith("601"):
        bright, red, blue = (
            bright * 219 / 255 + 16,
            (red - 128) * 224 / 255 + 128,
            (blue - 128) * 224 / 255 + 128,
        )
    first = int(pattern.startswith("uyvy"))
    sent = np.empty((*image.shape[:2], 2), np.uint8)
    sent[:, :, first] = np.round(bright)
    sent[:, 0::2, 1 - first], sent[:, 1::2, 1 - first] = np.round(blue), np.round(red)
    return sent.tobytes()


def _packed(values: NDArray[np.uint8], pixel_format: PixelFormat) -> bytes:
    shift = pixel_format.depth - 8
    if pixel_format.packing == "bytes":
        return values.tobytes()
    if pixel_format.packing == "words":
        return (values.astype("<u2") << shift).tobytes()
    flat = values.reshape(-1)
    if pixel_format.packing == "gige":
        groups = np.zeros((len(flat) // 2, 3), np.uint8)
        groups[:, 0], groups[:, 2] = flat[::2], flat[1::2]
        return groups.tobytes()
    bits = np.zeros((len(flat), pixel_format.depth), np.uint8)
    bits[:, shift:] = np.unpackbits(flat[:, np.newaxis], axis=1, bitorder="little")
    return np.packbits(bits, bitorder="little").tobytes()
