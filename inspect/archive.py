"""Frames on the disk: written behind everybody's back, shed before a record is, removed when old.

One thread at idle priority encodes and writes. Nothing waits for it: what does not fit in its backlog
is shed and counted, passes before all others.
"""

from __future__ import annotations

import hashlib
import logging
import os
import queue
import shutil
import threading
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from taktsight.inspect.ledger import Row
from taktsight.inspect.messages import ImageRules
from taktsight.inspect.realtime import yield_to_everyone
from taktsight.records import Image, Outcome

log = logging.getLogger(__name__)

MAX_BACKLOG_BYTES = 256 << 20


@dataclass(frozen=True, slots=True)
class Picture:
    """A frame to be kept."""

    run: str
    trigger: int
    camera: str
    outcome: str
    image: Image

    @property
    def is_pass(self) -> bool:
        """Shed first, removed first."""
        return self.outcome == Outcome.PASS.value


class Backlog:
    """Frames that wait to be written; bounded."""

    def __init__(self, max_bytes: int = MAX_BACKLOG_BYTES) -> None:
        self._max_bytes = max_bytes
        self._bytes = 0
        self._passes: deque[Picture] = deque()
        self._others: deque[Picture] = deque()
        self._closed = False
        self._changed = threading.Condition()

    def put(self, picture: Picture) -> int:
        """Takes a frame in; how many were shed for it, itself perhaps. Never waits."""
        with self._changed:
            shed = 0
            while self._bytes + picture.image.nbytes > self._max_bytes:
                shed += 1
                if not self._passes or picture.is_pass:
                    return shed
                self._bytes -= self._passes.pop().image.nbytes
            (self._passes if picture.is_pass else self._others).append(picture)
            self._bytes += picture.image.nbytes
            self._changed.notify()
            return shed

    def take(self) -> Picture | None:
        """The next frame, rejects and reviews first; waits for one, None once closed and empty."""
        with self._changed:
            self._changed.wait_for(lambda: self._others or self._passes or self._closed)
            waiting = self._others or self._passes
            if not waiting:
                return None
            picture = waiting.popleft()
            self._bytes -= picture.image.nbytes
            return picture

    def close(self) -> None:
        """Nothing more comes; what waits is still written."""
        with self._changed:
            self._closed = True
            self._changed.notify()


class Archive:
    """The image folder and the thread that fills it and keeps it within its room."""

    def __init__(
        self, folder: Path, rules: ImageRules, kept: Sequence[Row], now: Callable[[], datetime]
    ) -> None:
        self.backlog = Backlog()
        self._done: queue.SimpleQueue[Row] = queue.SimpleQueue()
        self.shed = self.stored = self.removed = 0
        self._folder = folder
        self._rules = rules
        self._now = now
        self._kept_passes = deque(row for row in kept if row["outcome"] == Outcome.PASS.value)
        self._kept_others = deque(row for row in kept if row["outcome"] != Outcome.PASS.value)
        self._bytes = sum(row["bytes"] for row in kept)
        self._disk_was_full = False
        self._thread = threading.Thread(target=self._run, name="archive", daemon=True)
        self._thread.start()

    def take_done(self) -> list[Row]:
        """What was written and removed since the last call: rows for the ledger's table of images."""
        rows = []
        while not self._done.empty():
            rows.append(self._done.get_nowait())
        return rows

    def close(self, timeout_s: float) -> bool:
        """Writes what waits, for so long at most; False if it was not done by then."""
        self.backlog.close()
        self._thread.join(timeout_s)
        return not self._thread.is_alive()

    def _run(self) -> None:
        yield_to_everyone()  # before OpenCV starts its threads: they inherit it
        from taktsight.image_files import encode_png

        self._make_room()
        while (picture := self.backlog.take()) is not None:
            try:
                self._write(picture, encode_png(picture.image))
            except OSError as error:  # a full disk costs images, never a record
                self.shed += 1
                if not self._disk_was_full:
                    log.warning("images are shed: %s", error)
                self._disk_was_full = True
            else:
                self._disk_was_full = False
            self._make_room()

    def _write(self, picture: Picture, content: bytes) -> None:
        name = f"{picture.run}/{picture.trigger:09d}_{picture.camera}_{picture.outcome}.png"
        file = self._folder / "images" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        if shutil.disk_usage(file.parent).free - len(content) < self._rules.reserve_mb * 1e6:
            raise OSError(f"less than reserve_mb {self._rules.reserve_mb:g} would be left for the ledger")
        partial = file.with_suffix(".part")
        try:
            partial.write_bytes(content)
            os.replace(partial, file)
        except OSError:
            partial.unlink(missing_ok=True)
            raise
        row = {
            "run": picture.run,
            "trigger": picture.trigger,
            "camera": picture.camera,
            "file": f"images/{name}",
            "sha256": hashlib.sha256(picture.image.tobytes()).hexdigest(),
            "outcome": picture.outcome,
            "bytes": len(content),
            "utc": self._now().isoformat(timespec="milliseconds"),
            "removed": None,
        }
        self.stored += 1
        (self._kept_passes if picture.is_pass else self._kept_others).append(row)
        self._bytes += len(content)
        self._done.put(row)

    def _make_room(self) -> None:
        """Removes what is too old, then what is too much: passes before all others, the oldest first."""
        oldest = (self._now() - timedelta(days=self._rules.max_age_days)).isoformat(timespec="milliseconds")
        for kept in (self._kept_passes, self._kept_others):
            while kept and (kept[0]["utc"] < oldest or self._bytes > self._rules.max_mb * 1e6):
                self._remove(kept.popleft())

    def _remove(self, row: Row) -> None:
        (self._folder / row["file"]).unlink(missing_ok=True)
        self._bytes -= row["bytes"]
        self.removed += 1
        self._done.put(dict(row) | {"removed": self._now().isoformat(timespec="milliseconds")})
