"""What the records take of the disk, and what may be kept for how long."""

from __future__ import annotations

import shutil
import sqlite3
import threading
import time
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from taktsight.errors import LedgerError
from taktsight.inspect.ledger import FILE
from taktsight.records import Outcome

ROWS = 20_000
"""Of the table of images in one question: none holds a read for long."""
KEEP_S = 60.0


@dataclass(frozen=True, slots=True)
class Kept:
    """Images of one outcome."""

    outcome: Outcome
    images: int
    megabytes: float
    removed: int
    """By age or room."""


@dataclass(frozen=True, slots=True)
class DiskUse:
    """All of it; MB are 10⁶ bytes."""

    free_mb: float
    total_mb: float
    ledger_mb: float
    kept: tuple[Kept, ...]

    @property
    def images_mb(self) -> float:
        """Of all images that are kept."""
        return sum(each.megabytes for each in self.kept)


class Disk:
    """Of one folder of records; what was counted is good for a minute. Any thread may ask."""

    def __init__(self, records: Path) -> None:
        self._records = records
        self._lock = threading.Lock()
        self._known: tuple[float, DiskUse] | None = None

    def use(self) -> DiskUse:
        """How full it is.

        Raises:
            LedgerError: If disk or ledger cannot be read.
        """
        with self._lock:
            now_s = time.monotonic()
            if self._known is None or now_s - self._known[0] > KEEP_S:
                self._known = (now_s, self._count())
            return self._known[1]

    def _count(self) -> DiskUse:
        try:
            disk = shutil.disk_usage(self._records)
            files = [self._records / f"{FILE}{suffix}" for suffix in ("", "-wal")]
            ledger = sum(file.stat().st_size for file in files if file.exists())
            kept = _kept(self._records / FILE)
        except (OSError, sqlite3.Error) as error:
            raise LedgerError(f"{self._records}: cannot be read: {error}") from error
        return DiskUse(disk.free / 1e6, disk.total / 1e6, ledger / 1e6, kept)


def _kept(file: Path) -> tuple[Kept, ...]:
    if not file.exists():
        return ()
    counts: dict[str, list[int]] = {outcome.value: [0, 0, 0] for outcome in Outcome}
    uri = f"file:{quote(str(file))}?mode=ro"
    query = (
        "SELECT outcome, COUNT(*) - COUNT(removed), SUM(CASE WHEN removed IS NULL THEN bytes ELSE 0 END), "
        "COUNT(removed) FROM images WHERE rowid > ? AND rowid <= ? GROUP BY outcome"
    )
    with closing(sqlite3.connect(uri, uri=True, timeout=2)) as connection:
        last = connection.execute("SELECT COALESCE(MAX(rowid), 0) FROM images").fetchone()[0]
        for start in range(0, last, ROWS):
            for outcome, *numbers in connection.execute(query, (start, start + ROWS)).fetchall():
                for place, number in enumerate(numbers):
                    counts.setdefault(outcome, [0, 0, 0])[place] += number or 0
    return tuple(
        Kept(outcome, counts[outcome.value][0], counts[outcome.value][1] / 1e6, counts[outcome.value][2])
        for outcome in Outcome
    )
