"""A file that is either the old one or the whole new one, whenever the power goes."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO


@contextmanager
def whole_file(path: Path) -> Iterator[BinaryIO]:
    """Opens a new file that takes the place of ``path`` once it is written and on the disk.

    It is written beside ``path``: only within one file system is taking a place a single step.

    Raises:
        OSError: If it cannot be written. Whatever is raised meanwhile, ``path`` stays what it was and
            nothing is left beside it. A kill leaves the part that was written; see :func:`remove_partial`.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, partial = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(descriptor, "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.chmod(partial, 0o644)
        os.replace(partial, path)
    except BaseException:
        os.unlink(partial)
        raise
    sync_folder(path.parent)  # its name is on the disk too


def sync_folder(folder: Path) -> None:
    """What was made, renamed or removed in a folder is on the disk when this returns.

    Raises:
        OSError: If it cannot be written.
    """
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def make_folder(folder: Path) -> None:
    """A folder with all folders above it; those that were missing are on the disk when this returns.

    Raises:
        OSError: If one cannot be made.
    """
    missing = [place for place in (folder, *folder.parents) if not place.exists()]
    for place in reversed(missing):
        place.mkdir(exist_ok=True)
        sync_folder(place.parent)


def remove_partial(path: Path) -> None:
    """Removes what a killed writer left beside ``path``; nobody may be writing it."""
    for partial in path.parent.glob(f".{path.name}.*"):
        partial.unlink()
