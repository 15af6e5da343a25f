"""How long ago something was that a library noted on the wall clock, which may be set at any moment.

Only for how a frame came in: a clock that was set forward meanwhile would make the frame older than it is,
and what is learned from that the frames of ten seconds, which would then be taken for the part before.
"""

from __future__ import annotations

STEP_NS = 1_000_000
"""What the two clocks move against each other at once by no more, unless one was set; a clock that is only
slowed down or sped up moves by a fraction of it between two looks."""


class WallClock:
    """The wall clock beside the monotonic one. Pure: both times are given to it."""

    def __init__(self, longest_ns: int) -> None:
        """``longest_ns``: nothing that is asked about is older."""
        self._longest_ns = longest_ns
        self._ahead_ns: int | None = None
        self._set_ns: int | None = None

    def look(self, wall_ns: int, now_ns: int) -> None:
        """Notices that it was set. Called often: what was noted between two looks is doubted with them."""
        ahead_ns = wall_ns - now_ns
        if self._ahead_ns is not None and abs(ahead_ns - self._ahead_ns) > STEP_NS:
            self._set_ns = now_ns
        self._ahead_ns = ahead_ns

    def age_ns(self, noted_ns: int, wall_ns: int, now_ns: int) -> int:
        """How long ago a moment on the wall clock was; 0 where that cannot be said.

        Args:
            noted_ns: the moment, wall clock.
            wall_ns: the wall clock now.
            now_ns: the monotonic clock now.
        """
        self.look(wall_ns, now_ns)
        was_set = self._set_ns is not None and now_ns - self._set_ns <= self._longest_ns
        age_ns = wall_ns - noted_ns
        return age_ns if 0 <= age_ns < self._longest_ns and not was_set else 0
