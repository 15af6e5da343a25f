"""Whether the computer slept: its monotonic clock stands still meanwhile, and with it every deadline.

A part that was under way then could get its PASS hours later, and another one be at the gate.
"""

from __future__ import annotations

import time
from collections.abc import Callable

LEAST_NS = 50_000_000
"""No computer sleeps for less; between the two clocks the line itself may be held up a little."""
READINGS = 3


def slept_ns() -> int:
    """How long this computer has slept since it was switched on; too little where the line was held up."""
    return time.clock_gettime_ns(time.CLOCK_BOOTTIME) - time.monotonic_ns()


class SleepWatch:
    """Looks at the two clocks. Cheap enough for every step of the line."""

    def __init__(self, slept: Callable[[], int] = slept_ns) -> None:
        """``slept``: how long the computer has slept up to now, ns."""
        self._slept = slept
        self._before_ns = self._read()

    def look(self) -> str:
        """That it slept since it was asked last, in words; "" where it did not."""
        if self._slept() - self._before_ns < LEAST_NS:
            return ""
        before_ns, self._before_ns = self._before_ns, self._read()
        return f"the computer slept for {(self._before_ns - before_ns) / 1e9:.0f} s"

    def _read(self) -> int:
        return max(self._slept() for _ in range(READINGS))
