"""A file opened as strictly as possible: a decoder that fills lost rows with grey is not believed."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

from taktsight.datasets.checks.findings import Finding, Kind
from taktsight.errors import DataError
from taktsight.image_files import decode_image
from taktsight.records import Image

_JPEG, _PNG, _BMP, _RIFF = b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"BM", b"RIFF"
_PNG_END = b"IEND\xaeB`\x82"
_START_OF_SCAN = 0xDA


@dataclass(frozen=True, slots=True)
class Opened:
    """A file that is whole."""

    digest: str
    """SHA-256 of the file."""
    image: Image


def open_file(path: Path) -> Opened | Finding:
    """The image in a file, or what is wrong with the file."""
    try:
        content = path.read_bytes()
    except OSError as error:
        return Finding("missing file", (path,), f"cannot be read: {error.strerror}")
    kind, message = _broken(content)
    if kind:
        return Finding(kind, (path,), message)
    try:
        image = decode_image(content, path.name)
    except DataError as error:
        return Finding("unreadable", (path,), str(error).removeprefix(f"{path.name}: "))
    return Opened(hashlib.sha256(content).hexdigest(), image)


def _broken(content: bytes) -> tuple[Kind | None, str]:
    """What the bytes say before anything is decoded."""
    if not content:
        return "empty file", "has no byte; copy it again from where it came"
    if content.startswith(b"version https://git-lfs"):
        return "pointer", "is a Git LFS pointer, not the image; run 'git lfs pull'"
    lost = _lost_end(content)
    if lost:
        return "cut short", f"is cut short after {len(content):,} bytes: {lost}; copy it again"
    return None, ""


def _lost_end(content: bytes) -> str:
    """What is missing at the end; nothing where the format does not say."""
    if content.startswith(_JPEG):
        # A preview in the header has an end mark of its own: only what follows the scan's start counts.
        scan = _scan_start(content)
        whole = scan > 0 and content.rfind(b"\xff\xd9", scan) > 0
        return "" if whole else "a JPEG ends with FF D9, and this one has none"
    if content.startswith(_PNG):
        return "" if content.rfind(_PNG_END) > 0 else "a PNG ends with IEND, and this one has none"
    promised = 0
    if content.startswith(_BMP):
        promised = int.from_bytes(content[2:6], "little")
    elif content.startswith(_RIFF):
        promised = int.from_bytes(content[4:8], "little") + 8
    return f"its header promises {promised:,}" if promised > len(content) else ""


def _scan_start(content: bytes) -> int:
    """Where a JPEG's pixels begin; 0 where its header breaks off."""
    at = 2
    while at + 4 <= len(content) and content[at] == 0xFF:
        if content[at + 1] == _START_OF_SCAN:
            return at
        if content[at + 1] == 0xFF:  # a fill byte
            at += 1
            continue
        at += 2 + int.from_bytes(content[at + 2 : at + 4], "big")
    return 0
