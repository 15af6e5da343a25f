"""The files of a data set, in an order that is the same on every machine."""

from __future__ import annotations

import re
from collections.abc import Collection
from pathlib import Path

from taktsight.image_files import IMAGE_SUFFIXES


def image_files(folder: Path) -> list[Path]:
    """Every image below ``folder``, part-9 before part-10; none where there is no such folder."""
    return files_below(folder, IMAGE_SUFFIXES)


def files_below(folder: Path, suffixes: Collection[str]) -> list[Path]:
    """Every file below ``folder`` with one of the suffixes (lower case, with the dot), in natural order."""
    if not folder.is_dir():
        return []
    files = (path for path in folder.rglob("*") if path.suffix.lower() in suffixes and path.is_file())
    return sorted(files, key=_natural)


def _natural(path: Path) -> tuple[list[tuple[int, str]], str]:
    """07 and 7 in the order of their text, not of the disk."""
    runs = re.split(r"(\d+)", str(path))
    return [(int(run), "") if run.isdecimal() else (-1, run) for run in runs], str(path)
