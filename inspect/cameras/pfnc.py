"""Pixel formats by the names and codes of the GenICam Pixel Format Naming Convention (PFNC).

Drivers that have names of their own translate them to these. Nothing heavy is imported: a station file is
read by the process that moves the gate.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from taktsight.errors import CameraError

Packing = Literal["bytes", "words", "gige", "lsb"]
"""One byte a pixel; two, the lower first; GigE Vision's 3 for two pixels; PFNC's "p", lowest bit first."""
Pattern = Literal["mono", "RG", "GR", "GB", "BG", "rgb", "bgr", "yuyv", "uyvy", "yuyv601", "uyvy601"]
"""RG: the first row begins red, green. 601: 16 is black and 235 white, as webcams send it."""

_MOSAICS: tuple[Pattern, ...] = ("RG", "GR", "GB", "BG")


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
