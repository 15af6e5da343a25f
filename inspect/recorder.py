"""The recorder process: frames out of the ring, entries into the ledger, then an acknowledgement.

A disk that is full or slow holds up entries here and in the line, in memory and counted; it never
holds up a verdict.
"""

from __future__ import annotations

import fcntl
import logging
import os
import select
import shutil
import time
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from taktsight.errors import LedgerError, LineError, TaktsightError
from taktsight.inspect.archive import utc_now
from taktsight.inspect.archive_port import ArchivePort
from taktsight.inspect.backlog import Picture
from taktsight.inspect.channel import Channel
from taktsight.inspect.frame_files import pixels_digest
from taktsight.inspect.ledger import Ledger
from taktsight.inspect.ledger_rows import Row
from taktsight.inspect.log_thread import log_through_thread
from taktsight.inspect.messages import (
    Acknowledge,
    Entry,
    RecorderReady,
    Refused,
    StartArchive,
    StartRecorder,
    Stop,
)
from taktsight.inspect.meters import Meters
from taktsight.inspect.realtime import die_with_line, relax
from taktsight.inspect.retention_clock import RetentionClock
from taktsight.inspect.ring import Ring
from taktsight.records import Outcome

log = logging.getLogger(__name__)

GROUP_S = 0.04
"""Entries that come within this time share one commit; one that the gate waits for is not kept waiting."""
MAX_BACKOFF_S = 1.0
LOCK_S = 10.0
"""How long to wait for a recorder that was killed and is still ending, in a disk that hangs."""
DISK_S = 1.0
"""How often somebody looks how full the disk is."""
FLUSH_S = 10.0
"""How long a stop waits for a disk that takes nothing, and for the images."""


class Recorder:
    """One run's entries and frames on their way to the disk."""

    def __init__(
        self,
        start: StartRecorder,
        channel: Channel,
        ring: Ring,
        meters: Meters,
        ledger: Ledger,
        archive: ArchivePort,
        clock: RetentionClock,
    ) -> None:
        """``clock``: as the archive has one of its own; here it is for the alarm."""
        self._clock = clock
        self._run = start.run
        self._rules = start.images
        self._folder = start.folder
        self._channel = channel
        self._ring = ring
        self._meters = meters
        self._ledger = ledger
        self._archive = archive
        self._pending: list[Entry] = []
        self._image_rows: list[Row] = []
        self._commit_at_s = self._disk_at_s = 0.0
        self._backoff_s = 0.0
        self._overruns = self._passes = 0
        self._base = {name: meters[name] for name in ("images_stored", "images_shed", "images_removed")}
        self._stopped_s: float | None = None
        self._acknowledged = self._told = 0

    def run(self) -> bool:
        """Until the line says stop and everything is written; False if the disk would not take it."""
        while self._stopped_s is None or self._pending:
            self._read()
            if self._pending and time.monotonic() >= self._commit_at_s:
                self._commit()
            self._acknowledge()
            self._count()
            if self._stopped_s is not None and time.monotonic() > self._stopped_s + FLUSH_S:
                break
        written = not self._pending
        if not self._archive.close(FLUSH_S):
            log.warning("images that were still waiting are lost")
        if written:
            self._list_last_images()
        self._count()
        return written

    def _list_last_images(self) -> None:
        rows = [*self._image_rows, *self._archive.take_rows()]
        try:
            self._ledger.append(self._run, (), rows, utc_now().isoformat(timespec="milliseconds"))
        except LedgerError as error:
            log.warning("%d images lie on the disk and are not listed: %s", len(rows), error)

    def _read(self) -> None:
        timeout_s = max(0.0, self._commit_at_s - time.monotonic()) if self._pending else 1.0
        readable = [self._channel.fileno()]
        if self._archive.fileno() >= 0:
            readable.append(self._archive.fileno())
        select.select(readable, [], [], timeout_s)
        self._archive.receive()
        messages, alive = self._channel.receive_all()
        for message in messages:
            if isinstance(message, Entry):
                self._take(message)
            elif isinstance(message, Stop):
                self._stopped_s = time.monotonic()
            else:
                raise TypeError(f"the line sent {type(message).__name__}")
        if not alive and self._stopped_s is None:
            self._stopped_s = time.monotonic()  # the line is gone: what came through is still written

    def _take(self, entry: Entry) -> None:
        if not self._backoff_s:
            due_s = time.monotonic() + (0.0 if entry.kind == "judged" else GROUP_S)
            self._commit_at_s = min(due_s, self._commit_at_s) if self._pending else due_s
        self._pending.append(replace(entry, frames=self._keep_frames(entry)) if entry.slots else entry)

    def _commit(self) -> None:
        self._image_rows += self._archive.take_rows()
        utc = utc_now().isoformat(timespec="milliseconds")
        try:
            self._ledger.append(self._run, self._pending, self._image_rows, utc)
        except LedgerError as error:
            if not self._backoff_s:
                log.error("%d entries wait: %s", len(self._pending), error)
            self._backoff_s = min(max(0.1, 2 * self._backoff_s), MAX_BACKOFF_S)
            self._commit_at_s = time.monotonic() + self._backoff_s
            self._meters.add("ledger_retries")
            self._archive.give_way()
            return
        if self._backoff_s:
            log.info("the ledger takes entries again, none was lost")
        self._backoff_s = 0.0
        self._acknowledged = self._pending[-1].number
        self._acknowledge()
        for entry in self._pending:
            _report(entry)
        self._pending.clear()
        self._image_rows.clear()

    def _acknowledge(self) -> None:
        # Where there is no room, the next acknowledgement says it too.
        if self._acknowledged > self._told and self._channel.try_send(Acknowledge(self._acknowledged)):
            self._told = self._acknowledged

    def _keep_frames(self, entry: Entry) -> dict[str, str]:
        """Hands the frames to the archive before they are overwritten; the digest of each, by camera."""
        outcome = Outcome.UNINSPECTED if entry.kind == "late" else Outcome(entry.outcome or "UNINSPECTED")
        if not self._is_kept(outcome):
            return {}
        digests = {}
        for slot in entry.slots:
            image = self._ring.read(slot)
            if image is None or entry.trigger is None:
                self._overruns += 1
                continue
            digests[slot.camera] = pixels_digest(image)
            picture = Picture(
                self._run, entry.trigger, slot.camera, outcome.value, image, digests[slot.camera]
            )
            self._archive.put(picture)
        return digests

    def _is_kept(self, outcome: Outcome) -> bool:
        if outcome is Outcome.PASS:
            self._passes += 1
            if self._rules.pass_every and self._passes % self._rules.pass_every == 0:
                return True
        return outcome in self._rules.keep

    def _count(self) -> None:
        archive, base = self._archive, self._base
        self._meters["images_stored"] = base["images_stored"] + archive.stored
        self._meters["images_removed"] = base["images_removed"] + archive.removed
        self._meters["images_shed"] = base["images_shed"] + archive.shed + self._overruns
        self._meters["ring_overruns"] = self._overruns
        if time.monotonic() >= self._disk_at_s:
            self._disk_at_s = time.monotonic() + DISK_S
            self._measure_disk()
            self._clock.age_at(utc_now(), time.monotonic())
            self._meters["clock_ahead"] = self._clock.is_ahead

    def _measure_disk(self) -> None:
        try:
            free = shutil.disk_usage(self._folder).free
        except OSError as error:  # nothing that can be relied on is free there
            if self._meters["disk_free_bytes"]:
                log.warning("the disk does not say how full it is: %s", error)
            free = 0
        self._meters["disk_free_bytes"] = free
        self._meters["disk_reserve_bytes"] = round(self._rules.reserve_mb * 1e6)


def _report(entry: Entry) -> None:
    if entry.kind == "verdict" and entry.outcome == Outcome.UNINSPECTED.value:
        log.warning("part %s is UNINSPECTED: %s", entry.trigger, "; ".join(entry.reasons))


def lock_records(folder: Path) -> int:
    """Keeps a second line out of these records, for as long as this process lives.

    Raises:
        LineError: If another line writes there.
    """
    descriptor = os.open(folder / "lock", os.O_RDWR | os.O_CREAT, 0o644)
    give_up_s = time.monotonic() + LOCK_S
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > give_up_s:
                raise LineError(f"{folder}: another line writes its records there") from None
            time.sleep(0.02)
        else:
            return descriptor


def main(arguments: Sequence[str]) -> int:
    """Runs as a process of the line: its id, three descriptors, its usual niceness."""
    line_process, channel_descriptor, ring_descriptor, meters_descriptor, usual_nice = map(int, arguments)
    die_with_line(line_process)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    channel = Channel.inherited(channel_descriptor)
    start = channel.receive()
    if not isinstance(start, StartRecorder):
        return 1
    try:
        ledger = Ledger.create(start.folder)
        lock_records(start.folder)
    except TaktsightError as error:
        channel.send(Refused(type(error).__name__, str(error)))
        return error.exit_code
    relax(usual_nice)
    channel.send(RecorderReady())
    channel.never_wait()
    meters = Meters(meters_descriptor)
    newest_utc = ledger.newest_utc(before=start.run)
    archive = ArchivePort(StartArchive(start.folder, start.images, newest_utc))
    clock = RetentionClock(None if newest_utc is None else datetime.fromisoformat(newest_utc))
    recorder = Recorder(start, channel, Ring(ring_descriptor), meters, ledger, archive, clock)
    with log_through_thread():
        return 0 if recorder.run() else 1
