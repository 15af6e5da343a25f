"""Parts that have come and that the line has not taken yet. Bounded; what counts parts fills it."""

from __future__ import annotations

from collections import deque
from dataclasses import replace

from taktsight.inspect.triggers.trigger import Arrival

MAX_LOST = 4096
"""Parts of one gap; more is no gap, but a counter that was set anew."""


class Arrivals:
    """First in, first out, as far as the quota goes."""

    def __init__(self, parts: int | None) -> None:
        self._waiting: deque[Arrival] = deque()
        self._left = parts
        self.is_armed = False

    @property
    def exhausted(self) -> bool:
        """Whether the last part was taken."""
        return self._left is not None and self._left <= 0

    @property
    def has_room(self) -> bool:
        """Whether a gap of the longest kind still fits."""
        return len(self._waiting) <= MAX_LOST

    def arm(self, parts: int | None) -> None:
        """Parts count from now on; ``parts`` is what the cameras can show."""
        self.is_armed = True
        if parts is not None:
            self._left = parts if self._left is None else min(parts, self._left)

    def disarm(self) -> None:
        """No part comes any more."""
        self._waiting.clear()
        self._left = 0

    def add(self, arrival: Arrival) -> None:
        """A part has come; before :meth:`arm` it is none of ours."""
        if self.is_armed and not self.exhausted:
            self._waiting.append(arrival)

    def forget_numbers(self) -> None:
        """No PLC knows those that wait; they can still be looked at."""
        self._waiting = deque(replace(part, number=None) for part in self._waiting)

    def spoil(self, why: str) -> None:
        """Those that wait can be looked at no more, and no PLC knows them."""
        self._waiting = deque(replace(part, unseen=why, number=None) for part in self._waiting)

    def next_due_ns(self) -> int | None:
        """At once, while one waits."""
        return self._waiting[0].triggered_ns if self._waiting and not self.exhausted else None

    def take(self) -> Arrival | None:
        """The next one; None where none waits."""
        if not self._waiting or self.exhausted:
            return None
        if self._left is not None:
            self._left -= 1
        return self._waiting.popleft()
