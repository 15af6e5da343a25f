"""The disk of a station's records: room, rights, and how long a commit takes. For ``taktsight check``."""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from taktsight.inspect.config import Station
from taktsight.inspect.machine.finding import Finding, Grade

MAX_FSYNC_MS = 50.0
MAX_COMMIT_SHARE = 0.2
"""Of the time for a verdict, in strict mode; now and then a commit takes several times the median."""


def check_disk(station: Station) -> Iterator[Finding]:
    """Whether it can be written, has room, and is fast enough for the mode of the records."""
    folder, images = station.records.folder, station.records.images
    try:
        # The line makes the folder: made here, it could belong to somebody else than the line's user.
        place = next(place for place in (folder, *folder.parents) if place.exists())
        fsync_ms = _fsync_ms(place)
        free_mb = shutil.disk_usage(place).free / 1e6
    except OSError as error:
        yield Finding("fix", "disk", f"{folder}: cannot be written: {error.strerror}")
        return
    if os.geteuid() == 0:
        text = "looked at as root, who may write everywhere: check as the user that the line runs as"
        yield Finding("note", "disk", text)
    if free_mb < images.reserve_mb:
        yield Finding(
            "fix", "disk", f"{free_mb:.0f} MB free, reserve_mb alone is {images.reserve_mb:g}: free some"
        )
    elif free_mb < images.max_mb + images.reserve_mb:
        text = f"{free_mb:.0f} MB free, less than images.max_mb {images.max_mb:g}: images will be shed"
        yield Finding("note", "disk", text)
    else:
        yield Finding("ok", "disk", f"{free_mb / 1e3:.1f} GB free at {folder}")
    yield _check_commit(station, fsync_ms)


def _check_commit(station: Station, fsync_ms: float) -> Finding:
    if station.records.mode == "fast":
        grade: Grade = "ok" if fsync_ms <= MAX_FSYNC_MS else "note"
        return Finding(
            grade, "disk", f"a commit takes {fsync_ms:.1f} ms (median); verdicts never wait for it"
        )
    within_ms = station.answer_within_ns / 1e6
    text = f"a commit takes {fsync_ms:.1f} ms (median) of the {within_ms:g} ms that a verdict has"
    if fsync_ms >= within_ms:
        text += ": in records.mode strict every part would be UNINSPECTED; take another disk, or mode fast"
        return Finding("fix", "disk", text)
    grade = "ok" if fsync_ms <= within_ms * MAX_COMMIT_SHARE else "note"
    return Finding(grade, "disk", f"{text}; in records.mode strict the gate waits for it")


def _fsync_ms(folder: Path) -> float:
    """Of a file without a name, of which nothing stays."""
    times_ms = []
    with tempfile.TemporaryFile(dir=folder, buffering=0) as file:
        for _ in range(9):
            started_s = time.monotonic()
            file.write(bytes(4096))
            os.fsync(file.fileno())
            times_ms.append((time.monotonic() - started_s) * 1e3)
    return sorted(times_ms)[4]
