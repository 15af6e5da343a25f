"""Kept frames on the disk: written whole, removed when they are too old or too many."""

from __future__ import annotations

import logging
import os
import shutil
import time
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from pathlib import Path

from taktsight.inspect.frame_files import PARTIAL, file_of
from taktsight.inspect.ledger_rows import Row
from taktsight.inspect.messages import ImageRules, StoreImage
from taktsight.inspect.retention import Shelf
from taktsight.inspect.retention_clock import RetentionClock
from taktsight.whole_files import make_folder, sync_folder

log = logging.getLogger(__name__)

LEDGER_ROOM_BYTES = 8_000_000
"""While the ledger cannot be written, images are removed until so much is free."""


class ImageStore:
    """The image folder. Each change is a row for the ledger's table of images."""

    def __init__(
        self, folder: Path, rules: ImageRules, now: Callable[[], datetime], newest: datetime | None = None
    ) -> None:
        """``newest``: when the newest record of the runs before was written; None where there is none."""
        self._clock = RetentionClock(newest)
        self._folder = folder
        self._rules = rules
        self._now = now
        self._shelf = Shelf(rules)
        self._rows: list[Row] = []
        self._disk_was_full = False

    def take_rows(self) -> list[Row]:
        """What was written and removed since the last call."""
        rows, self._rows = self._rows, []
        return rows

    def take_stock(self, listed: Sequence[Row]) -> None:
        """What lies there and is not listed is listed; what is listed and does not lie there is gone."""
        from taktsight.inspect.stocktaking import unlisted

        gone = [row for row in listed if not (self._folder / row["file"]).is_file()]
        lost = {row["file"] for row in gone}
        for row in listed:
            if row["file"] not in lost:
                self._shelf.add(row)
        self._rows += map(self._removed, gone)
        for row in unlisted(self._folder, {row["file"] for row in listed}):
            self._shelf.add(row)
            self._rows.append(row)

    def keep(self, picture: StoreImage, content: bytes) -> bool:
        """Writes an image; False if it was shed because the disk does not take it."""
        try:
            row = self._write(picture, content)
        except OSError as error:  # a full disk costs images, never a record
            if not self._disk_was_full:
                log.warning("images are shed: %s", error)
            self._disk_was_full = True
            return False
        self._disk_was_full = False
        self._shelf.add(row)
        self._rows.append(row)
        return True

    def make_room(self) -> None:
        """Removes what is too old, then what is too much."""
        self._remove(self._shelf.too_old(self._clock.age_at(self._now(), time.monotonic())))
        self._remove(self._shelf.too_much())

    def make_way(self) -> None:
        """The ledger cannot be written: where the disk is full, images make room for it."""
        removed = 0
        while self._is_full() and (row := self._shelf.first_out()) is not None:
            self._remove([row])
            removed += 1
        if removed:
            log.warning("%d images made room for the ledger", removed)

    def _write(self, picture: StoreImage, content: bytes) -> Row:
        name = file_of(picture.run, picture.trigger, picture.slot.camera, picture.outcome)
        file = self._folder / name
        make_folder(file.parent)
        if shutil.disk_usage(file.parent).free - len(content) < self._rules.reserve_mb * 1e6:
            raise OSError(f"less than reserve_mb {self._rules.reserve_mb:g} would be left for the ledger")
        partial = file.with_suffix(PARTIAL)
        try:
            with partial.open("wb") as opened:
                opened.write(content)
                opened.flush()
                os.fsync(opened.fileno())
            os.replace(partial, file)
            sync_folder(file.parent)  # what the ledger lists is there after a power cut
        except OSError:
            partial.unlink(missing_ok=True)
            raise
        return {
            "run": picture.run,
            "trigger": picture.trigger,
            "camera": picture.slot.camera,
            "file": name,
            "sha256": picture.sha256,
            "outcome": picture.outcome,
            "bytes": len(content),
            "utc": self._stamp(),
            "removed": None,
        }

    def _remove(self, rows: Iterable[Row]) -> None:
        for row in rows:
            try:
                (self._folder / row["file"]).unlink(missing_ok=True)
            except OSError as error:  # still listed: the next start tries again
                log.warning("%s cannot be removed: %s", row["file"], error)
            else:
                self._rows.append(self._removed(row))

    def _removed(self, row: Row) -> Row:
        return dict(row) | {"removed": self._stamp()}

    def _stamp(self) -> str:
        return self._now().isoformat(timespec="milliseconds")

    def _is_full(self) -> bool:
        try:
            return shutil.disk_usage(self._folder).free < LEDGER_ROOM_BYTES
        except OSError as error:  # the disk is gone: removing helps nobody
            log.warning("the disk does not say how full it is: %s", error)
            return False
