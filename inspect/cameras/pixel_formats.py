"""What a camera sends, as uint8 (H, W, 1) mono or (H, W, 3) RGB.

Of 10, 12, 14 and 16 bits the upper eight are kept, and nothing is rounded: that is what a camera does when
it is asked for 8 bits, so Mono12 gives the image that Mono8 gives and a model may be trained on either.
Rounding would make white of what is nearly white, and every frame brighter by half a grey level. Colour is
interpolated (bilinear) after that, from the eight bits, for the same reason.
"""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
from numpy.typing import NDArray

from taktsight.errors import CameraError
from taktsight.image_files import with_channels
from taktsight.inspect.cameras.pfnc import FORMATS, Packing, PixelFormat, format_of
from taktsight.records import Image

__all__ = ["FORMATS", "PixelFormat", "decode", "decode_view", "format_of"]

Bytes = NDArray[np.uint8]
Buffer = bytes | bytearray | memoryview | Bytes
_DEMOSAIC = {
    "RG": cv2.COLOR_BayerRGGB2RGB,
    "GR": cv2.COLOR_BayerGRBG2RGB,
    "GB": cv2.COLOR_BayerGBRG2RGB,
    "BG": cv2.COLOR_BayerBGGR2RGB,
}
_STUDIO_TO_FULL = np.clip(np.round((np.arange(256) - 16) * 255 / 219), 0, 255).astype(np.uint8)


def decode(
    data: Buffer, width: int, height: int, pixel_format: PixelFormat, channels: int, *, padding: int = 0
) -> Image:
    """The image in memory of its own: ``data`` may be written again at once.

    Args:
        data: what the camera sent; what lies behind the last row is not looked at.
        width: px.
        height: px.
        pixel_format: how pixels lie in ``data``.
        channels: 1 (of colour: ITU-R BT.601 luma) or 3 (of mono: grey repeated).
        padding: bytes behind each row that are no pixels.

    Raises:
        CameraError: If ``data`` is too short, or holds values that the format has not.
    """
    image = decode_view(data, width, height, pixel_format, channels, padding=padding)
    return image.copy() if np.may_share_memory(image, _bytes(data)) else image


def decode_view(
    data: Buffer, width: int, height: int, pixel_format: PixelFormat, channels: int, *, padding: int = 0
) -> Image:
    """Like :func:`decode`, but where ``data`` already is the image that is wanted, a view of it.

    The image keeps ``data`` alive. It is for data that nobody writes to as long as the image is in use: a
    buffer that goes back to its driver only after that, or bytes.
    """
    rows = _rows(_bytes(data), width, height, pixel_format, padding)
    pattern = pixel_format.pattern
    if pattern in ("yuyv", "uyvy", "yuyv601", "uyvy601"):
        if width % 2:
            raise CameraError(f"{pixel_format.name}: pixels share their colour in pairs, {width} px do not")
        return _from_yuv(rows.reshape(height, width, 2), pattern, channels)
    if pattern in ("rgb", "bgr"):
        image = rows.reshape(height, width, 3)
        image = image if pattern == "rgb" else _image(cv2.cvtColor(image, cv2.COLOR_BGR2RGB))
        return with_channels(image, channels)
    values = _UPPER_EIGHT[pixel_format.packing](rows, width * height, pixel_format).reshape(height, width)
    if pattern == "mono":
        return with_channels(values[:, :, np.newaxis], channels)
    return with_channels(_image(cv2.cvtColor(np.ascontiguousarray(values), _DEMOSAIC[pattern])), channels)


def _bytes(data: Buffer) -> Bytes:
    return np.frombuffer(data, np.uint8)


def _rows(data: Bytes, width: int, height: int, pixel_format: PixelFormat, padding: int) -> Bytes:
    """The pixels' bytes: (height, bytes of a row), or all in one row where rows do not end with a byte."""
    if padding:
        row = pixel_format.row_bytes(width)
        wanted = (row + padding) * height - padding
    else:
        row = wanted = pixel_format.frame_bytes(width, height)
    if len(data) < wanted:
        raise CameraError(f"{len(data)} bytes; {width} x {height} px of {pixel_format.name} are {wanted}")
    if not padding:
        return data[:wanted]
    return np.lib.stride_tricks.as_strided(data, (height, row), (row + padding, 1), writeable=False)


def _one_byte(rows: Bytes, _count: int, _format: PixelFormat) -> Bytes:
    return rows


def _words(rows: Bytes, count: int, pixel_format: PixelFormat) -> Bytes:
    words = np.ascontiguousarray(rows).reshape(-1).view("<u2")[:count]
    if (highest := int(words.max(initial=0))) >> pixel_format.depth:
        raise CameraError(
            f"{pixel_format.name}: a pixel is {highest}, {pixel_format.depth} bits reach to "
            f"{(1 << pixel_format.depth) - 1}: the camera sends something else than it says"
        )
    return np.asarray(words >> pixel_format.depth - 8, dtype=np.uint8)


def _gige(rows: Bytes, count: int, _format: PixelFormat) -> Bytes:
    """Bytes 0 and 2 of three are the upper eight bits of two pixels, of 10 as of 12."""
    groups = _groups(rows, 3)
    values = np.empty((len(groups), 2), np.uint8)
    values[:, 0], values[:, 1] = groups[:, 0], groups[:, 2]
    return values.reshape(-1)[:count]


def _lsb(rows: Bytes, count: int, pixel_format: PixelFormat) -> Bytes:
    return (_lsb_10 if pixel_format.depth == 10 else _lsb_12)(rows)[:count]


def _lsb_12(rows: Bytes) -> Bytes:
    """Three bytes, two pixels: b0 and the lower half of b1; the upper half of b1 and b2."""
    groups = _groups(rows, 3)
    values = np.empty((len(groups), 2), np.uint8)
    values[:, 0] = groups[:, 0] >> 4 | groups[:, 1] << 4
    values[:, 1] = groups[:, 2]
    return values.reshape(-1)


def _lsb_10(rows: Bytes) -> Bytes:
    """Five bytes, four pixels of ten bits, one behind the other, less the lowest two of each."""
    groups = _groups(rows, 5)
    values = np.empty((len(groups), 4), np.uint8)
    for pixel in range(3):
        low, high = groups[:, pixel], groups[:, pixel + 1]
        values[:, pixel] = low >> 2 * (pixel + 1) | high << 2 * (3 - pixel)
    values[:, 3] = groups[:, 4]
    return values.reshape(-1)


def _groups(rows: Bytes, size: int) -> Bytes:
    """(n, size); the last group is filled up."""
    flat = np.ascontiguousarray(rows).reshape(-1)
    short = -len(flat) % size
    return (np.pad(flat, (0, short)) if short else flat).reshape(-1, size)


_UPPER_EIGHT: dict[Packing, Callable[[Bytes, int, PixelFormat], Bytes]] = {
    "bytes": _one_byte,
    "words": _words,
    "gige": _gige,
    "lsb": _lsb,
}


def _from_yuv(pairs: Bytes, pattern: str, channels: int) -> Image:
    """(H, W, 2): the brightness of each pixel, and the blue or red difference of every second one."""
    is_uyvy, is_studio = pattern.startswith("uyvy"), pattern.endswith("601")
    if channels == 1:
        grey = pairs[:, :, int(is_uyvy)]
        return (_STUDIO_TO_FULL[grey] if is_studio else grey.copy())[:, :, np.newaxis]
    if is_studio:
        code = cv2.COLOR_YUV2RGB_UYVY if is_uyvy else cv2.COLOR_YUV2RGB_YUYV
        return _image(cv2.cvtColor(np.ascontiguousarray(pairs), code))
    height, width = pairs.shape[:2]
    differences = cv2.extractChannel(pairs, 1 - int(is_uyvy)).reshape(height, width // 2, 2)
    blue, red = (
        cv2.resize(half, (width, height), interpolation=cv2.INTER_NEAREST)
        for half in cv2.split(differences)
    )
    planes = cv2.merge([cv2.extractChannel(pairs, int(is_uyvy)), red, blue])
    return _image(cv2.cvtColor(planes, cv2.COLOR_YCrCb2RGB))


def _image(converted: object) -> Image:
    return np.asarray(converted, dtype=np.uint8)
