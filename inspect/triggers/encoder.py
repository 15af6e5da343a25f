"""A part at every so many mm of the belt."""

from __future__ import annotations

import math

from taktsight.inspect.belt import Belt
from taktsight.inspect.notes import Notes
from taktsight.inspect.triggers.arrivals import MAX_LOST, Arrivals
from taktsight.inspect.triggers.settings import EncoderTriggerSettings
from taktsight.inspect.triggers.trigger import Arrival


class EncoderTrigger:
    """Marks on the belt. A belt that runs back and on again passes a mark once."""

    def __init__(self, settings: EncoderTriggerSettings, belt: Belt, notes: Notes) -> None:
        self._every_mm = settings.every_mm
        self._arrivals = Arrivals(settings.parts)
        self._belt = belt
        self._notes = notes
        self._zero_mm, self._passed = belt.position_mm, 0
        belt.on_move(self._move)
        belt.on_lost(self._lose)

    @property
    def exhausted(self) -> bool:
        """Whether the last part has come."""
        return self._arrivals.exhausted

    def arm(self, now_ns: int, parts: int | None) -> None:
        """The first mark is one distance ahead."""
        self._start_here()
        self._arrivals.arm(parts)

    def disarm(self) -> None:
        """No part comes any more."""
        self._arrivals.disarm()

    def next_due_ns(self) -> int | None:
        """At once, while a part waits to be taken."""
        return self._arrivals.next_due_ns()

    def fire(self, now_ns: int) -> Arrival | None:
        """The next part that has come."""
        return self._arrivals.take()

    def close(self) -> None:
        """The belt's encoder is closed by whoever opened it."""

    def _start_here(self) -> None:
        self._zero_mm, self._passed = self._belt.position_mm, 0

    def _lose(self, reason: str) -> None:
        """Where the marks are, nobody knows: they begin anew."""
        if self._arrivals.is_armed:
            self._notes.fault(f"encoder: {reason}; parts that came meanwhile are not known")
        self._start_here()

    def _move(self, _at_ns: int) -> None:
        if not self._arrivals.is_armed:
            return
        marks = math.floor((self._belt.position_mm - self._zero_mm) / self._every_mm)
        new, self._passed = marks - self._passed, max(marks, self._passed)
        if new <= 0:
            return
        if new > MAX_LOST or not self._arrivals.has_room:
            self._notes.fault(f"encoder: it went on by {new} parts at once, which no belt does")
            self._notes.count("counter_resets", 1)
            return
        why = f"the trigger was lost: the belt ran {new} parts on between two readings of its encoder"
        for _ in range(new - 1):
            self._notes.count("lost_triggers", 1)
            self._arrivals.add(Arrival(self._belt.before_ns, unseen=why))
        self._arrivals.add(Arrival(self._belt.before_ns))
