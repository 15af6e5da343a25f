"""When a frame was exposed, on this computer's clock, from the time that the camera stamped on it.

A camera counts on a clock of its own. How far that is from ours is known in two ways: the camera can be
asked (its answer lies between two looks at our clock), and no frame arrives before it was exposed. The
first is exact. The second is late by the shortest way of a frame's first packet, and is always there.
"""

from __future__ import annotations

from collections import deque

KEPT_NS = 10_000_000_000
"""How long an arrival counts: clocks that differ by 50 ppm are apart by 0.5 ms after that."""
ASKED_KEPT_NS = 30_000_000_000
"""How long an answer counts."""
EARLIEST_NS = -1_000_000
"""By an answer of another clock than the frames', these take less to arrive, or too long."""


class DeviceClock:
    """A camera's time as our monotonic one. One thread notes arrivals, another one answers."""

    def __init__(self, longest_ns: int) -> None:
        """Knows nothing yet.

        Args:
            longest_ns: the quickest frame takes no longer, from its exposure to its first packet.
        """
        self._longest_ns = longest_ns
        self._arrivals: deque[tuple[int, int]] = deque()
        self._asked: tuple[int, int] | None = None
        self._lag_ns = 0

    def note_answer(self, device_ns: int, before_ns: int, after_ns: int) -> None:
        """The camera was asked for its time between two moments of ours."""
        self._asked = (after_ns, (before_ns + after_ns) // 2 - device_ns)

    def exposed_ns(self, device_ns: int, arrived_ns: int) -> int:
        """When a frame was exposed; monotonic clock, ns.

        Args:
            device_ns: on the camera's clock.
            arrived_ns: when the first of it came in, monotonic clock.
        """
        self._note_arrival(device_ns, arrived_ns)
        offset_ns = self._arrivals[0][1]
        if self._asked is not None:
            asked_ns, said_ns = self._asked
            is_same_clock = EARLIEST_NS <= offset_ns - said_ns <= self._longest_ns
            if arrived_ns - asked_ns < ASKED_KEPT_NS and is_same_clock:
                offset_ns = said_ns
        exposed_ns = min(device_ns + offset_ns, arrived_ns)
        self._lag_ns = arrived_ns - exposed_ns
        return exposed_ns

    def guessed_ns(self, arrived_ns: int) -> int:
        """When a frame was exposed whose time is unknown: it took as long as the one before."""
        return arrived_ns - self._lag_ns

    def _note_arrival(self, device_ns: int, arrived_ns: int) -> None:
        """Keeps the smallest difference of the last seconds, and behind it only larger ones."""
        arrivals, offset_ns = self._arrivals, arrived_ns - device_ns
        while arrivals and arrivals[-1][1] >= offset_ns:
            arrivals.pop()
        arrivals.append((arrived_ns, offset_ns))
        while arrivals[0][0] < arrived_ns - KEPT_NS:
            arrivals.popleft()


class FrameCounter:
    """Frame numbers that go on counting where the camera's own begin again."""

    def __init__(self) -> None:
        self._last: int | None = None
        self._count = 0

    def count(self, number: int) -> int:
        """The number of a frame since the camera was opened: a gap is a frame that was lost.

        GigE Vision 1 counts to 65,535 and goes on with 1; later versions and USB3 Vision count on.
        """
        if self._last is not None:
            step = number - self._last
            self._count += step + 65_535 if number <= 65_535 and step < -32_768 else step
        self._last = number
        return self._count

    def begin_anew(self) -> None:
        """The camera was opened again. Frames were lost meanwhile: at least one number is left out."""
        self._last = None
        self._count += 2
