"""What a camera sends, as uint8 (H, W, 1) mono or (H, W, 3) RGB.

Names and codes are those of the GenICam Pixel Format Naming Convention (PFNC); drivers that have names of
their own translate them to these.

Of 10, 12, 14 and 16 bits the upper eight are kept, and nothing is rounded: that is what a camera does when
it is asked for 8 bits, so Mono12 gives the image that Mono8 gives and a model may be trained on either.
Rounding would make white of what is nearly white, and every frame brighter by half a grey level. Colour is
interpolated (bilinear) after that, from the eight bits, for the same reason.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from taktsight.errors import CameraError
from taktsight.image_files import with_channels
from taktsight.records import Image

Bytes = NDArray[np.uint8]
Buffer = bytes | bytearray | memoryview | Bytes
Packing = Literal["bytes", "words", "gige", "lsb"]
"""One byte a pixel; two, the lower first; GigE Vision's 3 for two pixels; PFNC's "p", lowest bit first."""
Pattern = Literal["mono", "RG", "GR", "GB", "BG", "rgb", "bgr", "yuyv", "uyvy", "yuyv601", "uyvy601"]
"""RG: the first row begins red, green. 601: 16 is black and 235 white, as webcams send it."""

_MOSAICS: tuple[Pattern, ...] = ("RG", "GR", "GB", "BG")
_DEMOSAIC = {
    "RG": cv2.COLOR_BayerRGGB2RGB,
    "GR": cv2.COLOR_BayerGRBG2RGB,
    "GB": cv2.COLOR_BayerGBRG2RGB,
    "BG": cv2.COLOR_BayerBGGR2RGB,
}
_STUDIO_TO_FULL = np.clip(np.round((np.arange(256) - 16) * 255 / 219), 0, 255).astype(np.uint8)


@dataclass(frozen=True, slots=True)
class PixelFormat:
    """How pixels lie in what a camera sends."""

    name: str
    """As PFNC has it: BayerRG12p."""
    code: int
    """As it travels in a frame's header."""
    pattern: Pattern
    packing: Packing
    depth: int
    """Bits that a value has; 8, 10, 12, 14 or 16."""

    @property
    def bits(self) -> int:
        """Of one pixel, as sent."""
        return self.code >> 16 & 0xFF

    @property
    def is_colour(self) -> bool:
        """Whether there is colour to see."""
        return self.pattern != "mono"

    def row_bytes(self, width: int) -> int:
        """Of a row without padding.

        Raises:
            CameraError: If rows of this width do not end with a byte.
        """
        if width * self.bits % 8:
            raise CameraError(
                f"{self.name}: rows of {width} px do not end with a byte; choose a width that does"
            )
        return width * self.bits // 8

    def frame_bytes(self, width: int, height: int) -> int:
        """Of a frame without padding; what is left of its last byte is filled up."""
        return (width * height * self.bits + 7) // 8


def _formats() -> dict[str, PixelFormat]:
    mono: list[tuple[str, int, Packing, int]] = [
        ("Mono8", 0x01080001, "bytes", 8),
        ("Mono10", 0x01100003, "words", 10),
        ("Mono10Packed", 0x010C0004, "gige", 10),
        ("Mono10p", 0x010A0046, "lsb", 10),
        ("Mono12", 0x01100005, "words", 12),
        ("Mono12Packed", 0x010C0006, "gige", 12),
        ("Mono12p", 0x010C0047, "lsb", 12),
        ("Mono14", 0x01100025, "words", 14),
        ("Mono16", 0x01100007, "words", 16),
    ]
    bayer: list[tuple[str, tuple[int, ...], Packing, int]] = [
        ("8", (0x01080009, 0x01080008, 0x0108000A, 0x0108000B), "bytes", 8),
        ("10", (0x0110000D, 0x0110000C, 0x0110000E, 0x0110000F), "words", 10),
        ("10Packed", (0x010C0027, 0x010C0026, 0x010C0028, 0x010C0029), "gige", 10),
        ("10p", (0x010A0058, 0x010A0056, 0x010A0054, 0x010A0052), "lsb", 10),
        ("12", (0x01100011, 0x01100010, 0x01100012, 0x01100013), "words", 12),
        ("12Packed", (0x010C002B, 0x010C002A, 0x010C002C, 0x010C002D), "gige", 12),
        ("12p", (0x010C0059, 0x010C0057, 0x010C0055, 0x010C0053), "lsb", 12),
        ("16", (0x0110002F, 0x0110002E, 0x01100030, 0x01100031), "words", 16),
    ]
    colour: list[tuple[str, int, Pattern]] = [
        ("RGB8", 0x02180014, "rgb"),
        ("BGR8", 0x02180015, "bgr"),
        ("YUV422_8", 0x02100032, "yuyv"),
        ("YUV422_8_UYVY", 0x0210001F, "uyvy"),
        ("YCbCr601_422_8", 0x0210003E, "yuyv601"),
        ("YCbCr601_422_8_CbYCrY", 0x02100044, "uyvy601"),
    ]
    made = [PixelFormat(name, code, "mono", packing, depth) for name, code, packing, depth in mono]
    for suffix, codes, packing, depth in bayer:
        for mosaic, code in zip(_MOSAICS, codes, strict=True):
            made.append(PixelFormat(f"Bayer{mosaic}{suffix}", code, mosaic, packing, depth))
    made += [PixelFormat(name, code, order, "bytes", 8) for name, code, order in colour]
    return {each.name: each for each in made}


FORMATS = _formats()
"""By name."""
OTHER_NAMES = {
    "RGB8Packed": "RGB8",
    "BGR8Packed": "BGR8",
    "YUV422Packed": "YUV422_8_UYVY",
    "YUV422_YUYV_Packed": "YUV422_8",
    "YUYV": "YCbCr601_422_8",
    "UYVY": "YCbCr601_422_8_CbYCrY",
}
"""Of GigE Vision 1.x, and of Linux' video drivers."""
_BY_CODE = {each.code: each for each in FORMATS.values()}


def format_of(name: str | int) -> PixelFormat:
    """The format of a PFNC name or code.

    Raises:
        CameraError: If it is none that can be turned into an image here.
    """
    known = _BY_CODE.get(name) if isinstance(name, int) else FORMATS.get(OTHER_NAMES.get(name, name))
    if known is None:
        shown = f"0x{name:08X}" if isinstance(name, int) else name
        raise CameraError(f"pixel format {shown} is not known here; known are {', '.join(FORMATS)}")
    return known


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
    return np.right_shift(words, np.uint16(pixel_format.depth - 8)).astype(np.uint8)


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
