"""Files that nobody but this user or root could have written: an engine is code."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from taktsight.errors import BackendError


@contextmanager
def own_file(path: Path) -> Iterator[tuple[BinaryIO, int]]:
    """Opens a file, and says how many bytes it has.

    Raises:
        BackendError: If it is absent, no file, cannot be read, or somebody else could have written it. The
            message goes behind the file's name.
    """
    try:
        # Without O_NONBLOCK a pipe in the file's place would keep the line waiting.
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        try:
            status = os.fstat(descriptor)
            fault = _fault(status)
            if fault:
                raise BackendError(fault)
            with os.fdopen(descriptor, "rb", closefd=False) as file:
                yield file, status.st_size
        finally:
            os.close(descriptor)
    except OSError as error:
        raise BackendError(f"cannot be read ({error.strerror})") from error


def _fault(status: os.stat_result) -> str:
    if not stat.S_ISREG(status.st_mode):
        return "is no file"
    if status.st_uid not in (0, os.geteuid()):
        return f"belongs to another user (number {status.st_uid})"
    if status.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        return "may be written by others"
    return ""
