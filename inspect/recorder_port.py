"""The line's side of the recorder: entries stay here until the recorder says that they are on the disk."""

from __future__ import annotations

import time
from collections import deque
from dataclasses import replace

from taktsight.errors import LineError
from taktsight.inspect.children import Child
from taktsight.inspect.messages import (
    Acknowledge,
    Entry,
    Message,
    RecorderReady,
    Refused,
    StartRecorder,
    Stop,
)
from taktsight.inspect.vision_port import refusal

START_LIMIT_NS = 60_000_000_000
"""To open a ledger; longer, and its disk hangs."""
MAX_UNRECORDED = 20_000
"""Entries in memory while the disk does not take them; one more stops the line."""
MAX_IN_FLIGHT = 256
"""Entries sent and not acknowledged."""
MAX_BURST = 32
"""Entries sent at once: a verdict must not be late because a thousand others are sent again."""


class RecorderPort:
    """The recorder as the line sees it."""

    def __init__(self, child: Child) -> None:
        self.child = child
        self.ready = self.was_ready = False
        self.stopping = self.ended = False
        self.acknowledged = 0
        self.acknowledged_trigger = 0
        self._start: StartRecorder | None = None
        self._entries: deque[Entry] = deque()
        self._sent = 0
        self._number = 0
        self._started_ns = time.monotonic_ns()

    def start(self, start: StartRecorder) -> None:
        """Tells it where to write."""
        self._start = start
        self.child.channel.try_send(start)

    @property
    def written(self) -> int:
        """Number of the last entry."""
        return self._number

    @property
    def unrecorded(self) -> int:
        """Entries that are not on the disk yet."""
        return len(self._entries)

    def gives_up_ns(self) -> int | None:
        """When the line waits no longer for its first start; later it works on without."""
        return None if self.was_ready or self.ended else self._started_ns + START_LIMIT_NS

    def write(self, entry: Entry) -> int:
        """Takes an entry, numbers it and sends it as soon as there is room: its number. Never waits.

        Raises:
            LineError: If the disk has taken nothing for so long that an entry would be lost.
        """
        if len(self._entries) >= MAX_UNRECORDED:
            raise LineError(
                f"{MAX_UNRECORDED} entries are not on the disk: free its space, or unlock the ledger"
            )
        self._number += 1
        self._entries.append(replace(entry, number=self._number))
        self._pump()
        return self._number

    def receive(self) -> bool:
        """Takes the acknowledgements; whether the recorder still lives.

        Raises:
            TaktsightError: If the recorder refuses to take up service.
        """
        messages, alive = self.child.channel.receive_all()
        for message in messages:
            self._note(message)
        self._pump()
        return alive

    def restart(self, now_ns: int) -> None:
        """A new process; it gets every entry that was not acknowledged.

        Raises:
            LineError: If it was started too often.
        """
        self.ready = False
        self._sent = 0
        self.child.restart(now_ns)
        if self._start is None:
            raise LineError("the recorder ended before it was told what to do")
        self.start(self._start)

    def stop(self) -> None:
        """Lets it finish what it has; its end is not a fault then."""
        self.stopping = True
        if not self.ended:
            self.child.channel.try_send(Stop())

    def end(self) -> None:
        """It is out of service for good."""
        self.ended, self.ready = True, False
        self.child.kill()

    def _note(self, message: Message) -> None:
        if isinstance(message, Acknowledge):
            while self._entries and self._entries[0].number <= message.number:
                entry = self._entries.popleft()
                self._sent -= 1
                self.acknowledged_trigger = max(entry.trigger or 0, self.acknowledged_trigger)
            self.acknowledged = message.number
        elif isinstance(message, RecorderReady):
            self.ready = self.was_ready = True
        elif isinstance(message, Refused):
            raise refusal(message, restarted=self.was_ready)
        else:
            raise ValueError(f"the recorder sent {type(message).__name__}")

    def _pump(self) -> None:
        last = min(len(self._entries), MAX_IN_FLIGHT, self._sent + MAX_BURST)
        while self.ready and self._sent < last:
            if not self.child.channel.try_send(self._entries[self._sent]):
                return  # its acknowledgement makes room
            self._sent += 1
