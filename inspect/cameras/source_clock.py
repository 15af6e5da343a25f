"""The times of a camera's own clock, on this computer's.

A frame's way here takes some least time, and sometimes much more. Of the frames of the last seconds the one
that came the soonest tells how the two clocks stand to each other; a frame that was held up on its way is
then known to be old, however late it comes. Counted from its arrival, it would pass for the next part's.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

WINDOW_NS = 10_000_000_000
"""Frames that are compared. Clocks drift apart by up to 100 µs a second: 1 ms within the window."""
SETTLING_NS = 500_000_000
SETTLING_FRAMES = 5
"""A stream may begin with frames that have waited: so long nothing is known of how old they are."""


@dataclass(frozen=True, slots=True)
class Dated:
    """When a frame was exposed."""

    captured_ns: int
    fault: str = ""
    """Why that cannot be said."""


class SourceClock:
    """How a source's clock stands to the monotonic clock, from the frames that came.

    Args:
        delay_ns: least time from the start of an exposure until the frame is here.
        settles: whether the source may begin with frames that have waited.
    """

    def __init__(self, delay_ns: int, *, settles: bool) -> None:
        self._delay_ns = delay_ns
        self._settles = settles
        self._soonest: deque[tuple[int, int]] = deque()
        self._last_ns: int | None = None
        self._frames = 0
        self._began_ns = 0

    def date(self, source_ns: int, arrived_ns: int) -> Dated:
        """When a frame was exposed, monotonic.

        Args:
            source_ns: the frame's time on the source's clock.
            arrived_ns: when it came, monotonic.
        """
        last_ns, self._last_ns = self._last_ns, source_ns
        if source_ns == last_ns:
            return Dated(arrived_ns, "the same frame came again: its time is that of the one before")
        if last_ns is None or source_ns < last_ns:  # the first, or the source's clock was set back
            self._soonest.clear()
            self._frames, self._began_ns = 0, arrived_ns
        self._frames += 1
        captured_ns = source_ns + self._offset_ns(source_ns, arrived_ns) - self._delay_ns
        if self._settles and self._is_settling(arrived_ns):
            return Dated(captured_ns, "the stream has just begun: how old its frames are is not known yet")
        return Dated(captured_ns)

    def _offset_ns(self, source_ns: int, arrived_ns: int) -> int:
        """The least of the window. Each entry is less than those that came after it."""
        offset_ns = arrived_ns - source_ns
        while self._soonest and self._soonest[-1][1] >= offset_ns:
            self._soonest.pop()
        self._soonest.append((arrived_ns, offset_ns))
        while self._soonest[0][0] < arrived_ns - WINDOW_NS:
            self._soonest.popleft()
        return self._soonest[0][1]

    def _is_settling(self, arrived_ns: int) -> bool:
        return self._frames < SETTLING_FRAMES or arrived_ns - self._began_ns < SETTLING_NS
