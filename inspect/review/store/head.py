"""head.json: number and digest of the log's last row, kept beside it, so that rows cut off are missed."""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from taktsight.errors import LedgerError
from taktsight.whole_files import remove_partial, whole_file

FILE = "head.json"
LOCK = "head.lock"


@dataclass(frozen=True, slots=True)
class Head:
    """The last row of a log."""

    seq: int
    digest: str


def read_head(folder: Path) -> Head | None:
    """What the file says; None where there is none.

    Raises:
        LedgerError: If it cannot be read or is no head.
    """
    file = folder / FILE
    try:
        said = json.loads(file.read_bytes())
        head = Head(said["seq"], said["digest"])
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise LedgerError(
            f"{file}: is damaged: {error}; keep the folder as it is, it is evidence"
        ) from error
    if not (isinstance(head.seq, int) and isinstance(head.digest, str)):
        raise LedgerError(f"{file}: is damaged: seq is a number and digest a text")
    return head


def advance_head(folder: Path, head: Head) -> None:
    """Writes the head, unless somebody who committed later was here first.

    Raises:
        LedgerError: If it cannot be written; the row itself is on the disk then.
    """
    try:
        with locked(folder):
            there = read_head(folder)
            if there is not None and there.seq >= head.seq:
                return
            with whole_file(folder / FILE) as file:
                file.write(json.dumps({"seq": head.seq, "digest": head.digest}).encode() + b"\n")
    except OSError as error:
        raise LedgerError(
            f"{folder / FILE}: cannot be written: {error}; log row {head.seq} is recorded all the same"
        ) from error


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """One process and one thread at a time; what a killed one left half written is removed."""
    descriptor = os.open(folder / LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        remove_partial(folder / FILE)
        yield
    finally:
        os.close(descriptor)
