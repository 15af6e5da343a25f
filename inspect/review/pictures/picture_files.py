"""Kept frames as files that somebody may have exchanged: none leads elsewhere, none fills the memory.

What a PNG says of itself is read before anything is decoded; what was decoded is held against the digest in
the ledger.
"""

from __future__ import annotations

import os
import stat
import struct
from dataclasses import dataclass
from pathlib import Path

import cv2

from taktsight.errors import DataError
from taktsight.image_files import decode_image
from taktsight.inspect.frame_files import FOLDER, pixels_digest
from taktsight.records import Image

MAX_FILE_BYTES = 256 << 20
MAX_PIXELS = 100_000_000
"""Four times the largest sensor in use here; one that was made to fill the memory has more."""
MAX_SIDE = 65_500
"""What JPEG and WebP can hold is less; no camera has more."""
MAX_IMAGES = 32
"""Views of one part that are shown."""
_BEGIN = b"\x89PNG\r\n\x1a\n"
_HEADER_BYTES = 33
_CHANNELS = {0: 1, 2: 3, 3: 3, 4: 2, 6: 4}
"""Colour type of a PNG → channels."""


@dataclass(frozen=True, slots=True)
class Picture:
    """A frame that was decoded."""

    image: Image
    sha256: str
    """Of its pixels."""


def path_of(records: Path, file: str) -> Path | None:
    """Where a listed frame lies; None where the name leads out of the folder of images.

    The table of images is not chained: whoever can write it must not make the bench read other files.
    """
    folder = os.path.realpath(records / FOLDER)
    found = os.path.realpath(records / file)
    return Path(found) if found.startswith(folder + os.sep) else None


def size_of(records: Path, file: str) -> tuple[int, int] | None:
    """Width and height that a listed frame's file says it has; None where it is gone or no PNG."""
    path = path_of(records, file)
    if path is None:
        return None
    try:
        with path.open("rb") as opened:
            return _size(opened.read(_HEADER_BYTES))
    except OSError:
        return None


def read_picture(records: Path, file: str) -> Picture:
    """The pixels of a kept frame.

    Raises:
        DataError: If it is gone, no image, too large to be a frame, or cut short.
    """
    path = path_of(records, file)
    if path is None:
        raise DataError("the frame's name leads out of the folder of images")
    name = path.name
    try:
        content = _read(path, name)
    except OSError as error:
        raise DataError(f"{name}: cannot be read: {error.strerror}") from error
    return decode_picture(content, name)


def decode_picture(content: bytes, name: str) -> Picture:
    """The pixels of an encoded frame, after what it says of itself was found bearable.

    Raises:
        DataError: If it is no PNG of a frame.
    """
    size = _size(content[:_HEADER_BYTES])
    if size is None:
        raise DataError(f"{name}: is no PNG of a frame")
    try:
        image = decode_image(content, name)
    except (cv2.error, MemoryError) as error:
        raise DataError(f"{name}: cannot be decoded: {error}") from error
    return Picture(image, pixels_digest(image))


def _read(path: Path, name: str) -> bytes:
    with path.open("rb") as opened:
        found = os.fstat(opened.fileno())
        if not stat.S_ISREG(found.st_mode):
            raise DataError(f"{name}: is no file")
        if found.st_size > MAX_FILE_BYTES:
            raise DataError(f"{name}: has {found.st_size >> 20} MiB; no frame is so large")
        return opened.read(MAX_FILE_BYTES + 1)


def _size(header: bytes) -> tuple[int, int] | None:
    if len(header) < _HEADER_BYTES or not header.startswith(_BEGIN) or header[12:16] != b"IHDR":
        return None
    width, height, bits, colour = struct.unpack_from(">IIBB", header, 16)
    is_frame = bits == 8 and colour in _CHANNELS and 0 < width <= MAX_SIDE and 0 < height <= MAX_SIDE
    return (width, height) if is_frame and width * height <= MAX_PIXELS else None
