"""A trigger at every takt of the monotonic clock."""

from __future__ import annotations

from taktsight.inspect.triggers.trigger import Arrival


class TimerTrigger:
    """An absolute schedule: a slot that the line was late for still triggers, and nothing drifts."""

    def __init__(self, takt_ns: int, parts: int | None) -> None:
        self._takt_ns = takt_ns
        self._parts = parts
        self._armed_ns: int | None = None
        self._fired = 0

    def arm(self, now_ns: int, parts: int | None) -> None:
        """The first part is there now; ``parts`` is what the cameras can show."""
        self._armed_ns = now_ns
        if parts is not None:
            self._parts = parts if self._parts is None else min(parts, self._parts)

    def disarm(self) -> None:
        """No part comes any more."""
        self._parts = self._fired

    @property
    def exhausted(self) -> bool:
        """Whether the last part has come."""
        return self._parts is not None and self._fired >= self._parts

    def next_due_ns(self) -> int | None:
        """When the next part is there; None before :meth:`arm` and after the last one."""
        if self._armed_ns is None or self.exhausted:
            return None
        return self._armed_ns + self._fired * self._takt_ns

    def fire(self, now_ns: int) -> Arrival | None:
        """The part that is there now; None where none is. Call it until it says None."""
        due_ns = self.next_due_ns()
        if due_ns is None or due_ns > now_ns:
            return None
        self._fired += 1
        return Arrival(due_ns)

    def close(self) -> None:
        """It listens to nothing."""
