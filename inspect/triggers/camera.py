"""A camera that the part's own sensor triggers: its frame says that a part is there.

Its count of frames tells of those that were lost on the way. What never reached the camera nobody tells:
while the camera is lost the line holds. Who must know of every part has it counted by a PLC or an input.
"""

from __future__ import annotations

from taktsight.inspect.messages import Exposed, Watched
from taktsight.inspect.notes import Notes
from taktsight.inspect.triggers.arrivals import MAX_LOST, Arrivals
from taktsight.inspect.triggers.min_takt import MinTakt
from taktsight.inspect.triggers.presence import Presence
from taktsight.inspect.triggers.settings import CameraTriggerSettings
from taktsight.inspect.triggers.trigger import Arrival


class CameraTrigger:
    """A part for each frame of the camera that leads."""

    def __init__(self, settings: CameraTriggerSettings, notes: Notes) -> None:
        self._camera = settings.camera
        self._arrivals = Arrivals(settings.parts)
        self._min_takt = MinTakt(round(settings.min_takt_ms * 1e6))
        self._presence = Presence(settings.takt_ms)
        self._notes = notes
        self._counter: int | None = None
        self._captured_ns = 0

    @property
    def exhausted(self) -> bool:
        """Whether the last part has come."""
        return self._arrivals.exhausted

    def arm(self, now_ns: int, parts: int | None) -> None:
        """Frames from now on are parts."""
        self._arrivals.arm(parts)
        self._presence.arm(now_ns)

    def disarm(self) -> None:
        """No part comes any more."""
        self._arrivals.disarm()

    def next_due_ns(self) -> int | None:
        """At once, while a part waits to be taken; else when the camera may be missed."""
        moments = (self._arrivals.next_due_ns(), self._presence.next_due_ns() if self._watches else None)
        return min((moment for moment in moments if moment is not None), default=None)

    def fire(self, now_ns: int) -> Arrival | None:
        """The next part that has come."""
        return self._arrivals.take()

    def close(self) -> None:
        """Vision has the camera."""

    def begin_anew(self, now_ns: int) -> None:
        """Vision was started anew: its camera may count from 0, and what passed meanwhile nobody knows."""
        self._counter = None
        self._presence.lose_vision(now_ns)

    def watched(self, watched: Watched, now_ns: int) -> None:
        """Vision says how the camera is."""
        if watched.camera == self._camera:
            self._presence.hear(watched.lost, now_ns)

    def trouble(self, now_ns: int) -> str:
        """Why parts may go by unseen while they are counted; "" where none do."""
        trouble = self._presence.trouble(now_ns) if self._watches else ""
        return f"camera {self._camera}: {trouble}" if trouble else ""

    @property
    def _watches(self) -> bool:
        return self._arrivals.is_armed and not self._arrivals.exhausted

    def exposed(self, exposed: Exposed, now_ns: int) -> None:
        """Vision says that a camera exposed a frame."""
        if exposed.camera != self._camera:
            return
        self._presence.see(now_ns)
        before, self._counter = self._counter, exposed.counter
        went_on = 1 if before is None else exposed.counter - before
        if went_on <= 0 or went_on > MAX_LOST or not self._arrivals.has_room:
            self._notes.fault(f"camera {self._camera}: after frame {before} came {exposed.counter}")
            self._notes.count("counter_resets", 1)
            went_on = 1
        earliest_ns, self._captured_ns = self._captured_ns, max(self._captured_ns, exposed.captured_ns)
        if went_on == 1 and self._min_takt.is_bounce(exposed.captured_ns):
            self._notes.count("bounces", 1)
            return
        why = f"the trigger was lost: {went_on - 1} frames of camera {self._camera} did not arrive"
        for _ in range(went_on - 1):
            self._notes.count("lost_triggers", 1)
            self._arrivals.add(Arrival(earliest_ns, unseen=why))
        self._arrivals.add(Arrival(exposed.captured_ns))
