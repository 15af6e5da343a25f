"""PNGs that say what they will become, so that none is decoded that was made to fill the memory."""

from __future__ import annotations

import struct
from collections.abc import Mapping

from taktsight.errors import BundleError

MAX_DECODED_BYTES = 128 << 20
"""Of all golden frames together, besides what their own size allows."""
MAX_GROWTH = 16
"""A camera's frame shrinks to a third or half; a drawn one is small."""
_BEGIN = b"\x89PNG\r\n\x1a\n"
_CHUNKS = {b"IHDR", b"IDAT", b"IEND"}
_GREY, _COLOUR = 0, 2
_CHANNELS = {_GREY: 1, _COLOUR: 3}


def check_pngs(images: Mapping[str, bytes], where: str) -> None:
    """Refuses frames that are no plain 8-bit PNGs, or would be far larger than their files.

    Raises:
        BundleError: Naming the frame. None was decoded.
    """
    decoded = sum(_decoded_bytes(content, f"{where}: {name}") for name, content in images.items())
    if decoded > MAX_DECODED_BYTES + MAX_GROWTH * sum(map(len, images.values())):
        raise BundleError(
            f"{where}: the golden frames would fill {decoded >> 20} MiB, far more than their files are"
        )


def _decoded_bytes(content: bytes, name: str) -> int:
    if not content:
        raise BundleError(f"{name}: is empty")
    if not content.startswith(_BEGIN) or content[12:16] != b"IHDR" or len(content) < 33:
        raise BundleError(f"{name}: is not an image in PNG")
    _check_chunks(content, name)
    width, height, bits, colour, *others = struct.unpack_from(">IIBBBBB", content, 16)
    if bits != 8 or colour not in _CHANNELS or any(others):
        raise BundleError(f"{name}: is no plain PNG: 8 bits, mono or RGB, not interlaced are wanted")
    return int(width) * int(height) * _CHANNELS[colour]


def _check_chunks(content: bytes, name: str) -> None:
    position, kind = len(_BEGIN), b""
    while kind != b"IEND":
        if position + 12 > len(content):
            raise BundleError(f"{name}: is not an image that can be decoded, it is cut short")
        length, kind = struct.unpack_from(">I4s", content, position)
        if kind not in _CHUNKS:
            raise BundleError(f"{name}: has a part {kind!r}; pixels and nothing else are wanted")
        position += 12 + length
    if position != len(content):
        raise BundleError(f"{name}: has bytes after its end")
