"""Where a kept frame lies, and what tells whether it is the one that was judged."""

from __future__ import annotations

import hashlib

from taktsight.records import Image

FOLDER = "images"
"""Within the records."""
PARTIAL = ".part"
"""Of a file that is being written."""


def file_of(run: str, trigger: int, camera: str, outcome: str) -> str:
    """Where a frame is kept, relative to the records."""
    return f"{FOLDER}/{run}/{trigger:09d}_{camera}_{outcome}.png"


def pixels_digest(image: Image) -> str:
    """SHA-256 of the pixels (H, W, C), row by row, whatever they are encoded in."""
    return hashlib.sha256(image.data if image.flags.c_contiguous else image.tobytes()).hexdigest()
