"""Images in files: always uint8 (H, W, C), mono as stored, colour as RGB."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

from taktsight.errors import DataError
from taktsight.records import Image

IMAGE_SUFFIXES = frozenset({".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff", ".webp"})

FASTEST = (
    *(cv2.IMWRITE_PNG_COMPRESSION, 1),
    *(cv2.IMWRITE_PNG_STRATEGY, cv2.IMWRITE_PNG_STRATEGY_RLE),
    # An OpenCV 4, which may be the one with GStreamer, cannot choose.
    *((cv2.IMWRITE_PNG_FILTER, cv2.IMWRITE_PNG_FILTER_AVG) if hasattr(cv2, "IMWRITE_PNG_FILTER") else ()),
)


def read_image(path: Path, channels: int | None = None) -> Image:
    """The image in a file.

    Args:
        path: PNG, JPEG, BMP, TIFF or WebP, 8 bits per channel.
        channels: 1 or 3 to have it so (ITU-R BT.601 luma, or grey repeated); None for as stored.

    Raises:
        DataError: If the file is absent, empty, a Git LFS pointer, or not an 8-bit image.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise DataError(f"{path}: cannot be read: {error.strerror}") from error
    image = decode_image(content, str(path))
    return image if channels is None else with_channels(image, channels)


def with_channels(image: Image, channels: int) -> Image:
    """The image with 1 channel (ITU-R BT.601 luma) or 3 (grey repeated)."""
    if image.shape[2] == channels:
        return image
    if channels == 1:
        grey = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
        return np.asarray(grey[:, :, np.newaxis], dtype=np.uint8)
    return np.repeat(image, 3, axis=2)


def decode_image(content: bytes, name: str) -> Image:
    """The image in encoded bytes; ``name`` is what an error calls it.

    Raises:
        DataError: If the bytes are not an 8-bit mono or colour image.
    """
    if not content:
        raise DataError(f"{name}: is empty")
    if content.startswith(b"version https://git-lfs"):
        raise DataError(f"{name}: is a Git LFS pointer, not the image; run 'git lfs pull'")
    try:
        decoded = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_UNCHANGED)
    except cv2.error as error:  # a size that no camera has
        raise DataError(f"{name}: cannot be decoded: {error.err}") from error
    if decoded is None:
        raise DataError(f"{name}: is not an image that can be decoded, or is cut short")
    if decoded.dtype != np.uint8:
        raise DataError(f"{name}: has {decoded.dtype} pixels; 8 bits per channel are wanted")
    if decoded.ndim == 2:
        return np.asarray(decoded[:, :, np.newaxis], dtype=np.uint8)
    if decoded.shape[2] == 3:
        return np.asarray(cv2.cvtColor(decoded, cv2.COLOR_BGR2RGB), dtype=np.uint8)
    raise DataError(f"{name}: has {decoded.shape[2]} channels; mono or RGB is wanted, without alpha")


def encode_png(image: Image, compression: int | None = None) -> bytes:
    """Lossless; ``compression`` 0 to 9 as zlib counts, 9 the smallest; None: the fastest.

    The fastest takes half the time of level 1 and is smaller on camera images: each pixel against the mean
    of its neighbours, and of what noise leaves only runs are worth looking for.
    """
    stored = cv2.cvtColor(image, cv2.COLOR_RGB2BGR) if image.shape[2] == 3 else image
    how = FASTEST if compression is None else (cv2.IMWRITE_PNG_COMPRESSION, compression)
    return cv2.imencode(".png", stored, how)[1].tobytes()
