"""The files of a data set, in an order that is the same on every machine."""

from __future__ import annotations

import os
import re
from collections.abc import Collection, Iterator
from pathlib import Path

from taktsight.errors import DataError
from taktsight.image_files import IMAGE_SUFFIXES

OTHER_IMAGE_SUFFIXES = frozenset(
    {
        ".avif",
        ".dng",
        ".exr",
        ".gif",
        ".heic",
        ".jfif",
        ".jp2",
        ".jxl",
        ".pgm",
        ".pnm",
        ".ppm",
        ".raw",
        ".tga",
    }
)
"""Images in formats that are not read: one that is passed over is a part that nobody looks at."""


def image_files(folder: Path) -> list[Path]:
    """Every image below ``folder``, part-9 before part-10; none where there is no such folder."""
    return files_below(folder, IMAGE_SUFFIXES)


def files_below(folder: Path, suffixes: Collection[str]) -> list[Path]:
    """Every file below ``folder`` with one of the suffixes (lower case, with the dot), in natural order.

    Links to folders are followed, and a link that leads nowhere is a file that cannot be read: neither is
    passed over.

    Raises:
        DataError: If a folder cannot be listed, or links lead round in a circle.
    """
    if not folder.is_dir():
        return []
    files = (path for path in _walk(folder, frozenset()) if path.suffix.lower() in suffixes)
    return sorted(files, key=_natural)


def _walk(folder: Path, around: frozenset[str]) -> Iterator[Path]:
    """Whatever is no folder, at any depth; ``around`` are the true places of the folders around it."""
    place = os.path.realpath(folder)
    if place in around:
        raise DataError(f"{folder}: is a link to a folder that it lies in; remove the link")
    try:
        entries = list(os.scandir(folder))
    except OSError as error:
        raise DataError(f"{folder}: cannot be listed: {error.strerror}") from error
    for entry in entries:
        if entry.is_dir():
            yield from _walk(Path(entry.path), around | {place})
        else:
            yield Path(entry.path)


def _natural(path: Path) -> tuple[list[tuple[int, str]], str]:
    """07 and 7 in the order of their text, not of the disk."""
    runs = re.split(r"(\d+)", str(path))
    return [(int(run), "") if run.isdecimal() else (-1, run) for run in runs], str(path)
