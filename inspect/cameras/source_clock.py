"""The times of a camera's own clock, on this computer's.

A frame's way here takes some least time, and sometimes much more. The frame that came the soonest tells how
the two clocks stand to each other; one that was held up on its way is then known to be old, however late it
comes. Counted from its arrival, it would pass for the next part's.
"""

from __future__ import annotations

from dataclasses import dataclass

from taktsight.errors import CameraError

DRIFT = 500e-6
"""How fast two clocks may drift apart. What frames are late by beyond that, they are late by."""
LATE_NS = 300_000_000
LATE_FOR_NS = 1_000_000_000
"""A stream whose frames are all so late for so long will not catch up."""
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
        self._offset_ns = 0.0
        self._last_ns: int | None = None
        self._arrived_ns = self._began_ns = 0
        self._late_since_ns: int | None = None
        self._frames = 0

    def date(self, source_ns: int, arrived_ns: int) -> Dated:
        """When a frame was exposed, monotonic.

        Args:
            source_ns: the frame's time on the source's clock.
            arrived_ns: when it came, monotonic.

        Raises:
            CameraError: If frames come later and later, or the source's clock has slipped: only opening it
                anew tells how old they are.
        """
        last_ns, self._last_ns = self._last_ns, source_ns
        if source_ns == last_ns:
            return Dated(arrived_ns, "the same frame came again: its time is that of the one before")
        if last_ns is None or source_ns < last_ns:  # the first, or the source's clock was set back
            self._offset_ns = arrived_ns - source_ns
            self._began_ns, self._late_since_ns = arrived_ns, None
            self._frames = 0
        else:
            self._learn(arrived_ns - source_ns, arrived_ns)
        self._arrived_ns = arrived_ns
        self._frames += 1
        captured_ns = source_ns + round(self._offset_ns) - self._delay_ns
        if self._settles and self._is_settling(arrived_ns):
            return Dated(captured_ns, "the stream has just begun: how old its frames are is not known yet")
        return Dated(captured_ns)

    def _learn(self, offset_ns: int, arrived_ns: int) -> None:
        allowed_ns = self._offset_ns + DRIFT * (arrived_ns - self._arrived_ns)
        self._offset_ns = min(allowed_ns, offset_ns)
        if offset_ns - self._offset_ns < LATE_NS:
            self._late_since_ns = None
            return
        self._late_since_ns = self._late_since_ns or arrived_ns
        if arrived_ns - self._late_since_ns > LATE_FOR_NS:
            late_ms = (offset_ns - self._offset_ns) / 1e6
            raise CameraError(f"its frames come {late_ms:.0f} ms late, or its clock has slipped")

    def _is_settling(self, arrived_ns: int) -> bool:
        return self._frames < SETTLING_FRAMES or arrived_ns - self._began_ns < SETTLING_NS
