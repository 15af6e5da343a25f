"""The recorder's side of the archive: frames wait here, one after the other goes over in a tray.

Nothing waits for the archive. What does not fit in the backlog is shed and counted, and where its process
ends too often images are shed altogether: records are worth more.
"""

from __future__ import annotations

import logging
import os
import select
import time

from taktsight.errors import LineError
from taktsight.inspect.backlog import Backlog, Picture
from taktsight.inspect.children import Child
from taktsight.inspect.ledger_rows import Row
from taktsight.inspect.messages import (
    ImageRows,
    MakeWay,
    Message,
    StartArchive,
    StoreImage,
    TrayFree,
)
from taktsight.inspect.realtime import stop_yielding
from taktsight.inspect.ring import Ring, size_ring

log = logging.getLogger(__name__)

HURRY_S = 0.1
"""How often the archive is told at the end not to yield: it may have begun to only just now."""


class ArchivePort:
    """The archive as the recorder sees it."""

    def __init__(self, start: StartArchive) -> None:
        tray = os.memfd_create("taktsight-tray")
        size_ring(tray, 1)
        self._tray = Ring(tray)
        self._start = start
        self._backlog = Backlog()
        self._rows: list[Row] = []
        self._is_tray_full = self._ended = False
        self.stored = self.shed = self.removed = 0
        self._child = Child("archive", (tray,))
        self._child.channel.try_send(start)

    def fileno(self) -> int:
        """For ``select``; -1 once there is nothing to wait for."""
        return -1 if self._ended else self._child.channel.fileno()

    @property
    def waiting(self) -> int:
        """Frames that are not on the disk yet."""
        return len(self._backlog) + self._is_tray_full

    def put(self, picture: Picture) -> None:
        """Takes a frame in. Never waits."""
        self.shed += 1 if self._ended else self._backlog.put(picture)
        self._pump()

    def take_rows(self) -> list[Row]:
        """What was written and removed since the last call: rows for the ledger's table of images."""
        rows, self._rows = self._rows, []
        return rows

    def give_way(self) -> None:
        """The ledger cannot be written: where the disk is full, images make room for it."""
        if not self._ended:
            self._child.channel.try_send(MakeWay())  # no room: it is asked again after the next try

    def receive(self) -> None:
        """Takes what it says; starts it anew where it is gone."""
        if self._ended:
            return
        messages, alive = self._child.channel.receive_all()
        for message in messages:
            self._note(message)
        if not alive:
            self._restart()
        self._pump()

    def close(self, timeout_s: float) -> bool:
        """Waits for what waits, for so long at most; False if it was not written by then."""
        give_up_s = time.monotonic() + timeout_s
        while self.waiting and not self._ended and (left_s := give_up_s - time.monotonic()) > 0:
            stop_yielding(self._child.process_id)  # nobody waits for a verdict any more
            select.select([self], [], [], min(left_s, HURRY_S))
            self.receive()
        written = not self.waiting
        if not self._ended:
            self._child.kill()
            self._ended = True
        self._child.reap()
        return written

    def _note(self, message: Message) -> None:
        if isinstance(message, ImageRows):
            self._rows += message.rows
            self.removed += sum(row["removed"] is not None for row in message.rows)
        elif isinstance(message, TrayFree):
            self._is_tray_full = False
            self.stored += message.is_stored
            self.shed += not message.is_stored
        else:
            raise TypeError(f"the archive sent {type(message).__name__}")

    def _restart(self) -> None:
        self.shed += self._is_tray_full
        self._is_tray_full = False
        log.warning("the archive stopped; it is started anew")
        try:
            self._child.restart(time.monotonic_ns())
        except LineError as error:
            log.error("images are shed from now on: %s", error)
            self._ended = True
            self.shed += len(self._backlog)
            self._backlog = Backlog()
        else:
            self._child.channel.try_send(self._start)

    def _pump(self) -> None:
        if self._ended or self._is_tray_full or (picture := self._backlog.take()) is None:
            return
        slot = self._tray.write(picture.image, picture.camera)
        sent = StoreImage(picture.run, picture.trigger, picture.outcome, picture.sha256, slot)
        self._is_tray_full = self._child.channel.try_send(sent)
        self.shed += not self._is_tray_full  # gone this moment; the next receive sees it
