"""Whether the camera that is the trigger is there. Where it is not, parts go by that nobody counts.

Pure: the time is given to it.
"""

from __future__ import annotations

SILENT_PERIODS = 3
MIN_SILENCE_NS = 250_000_000
"""At a known takt the camera is lost after three parts without a frame, and not before this time."""
DUMB_NS = 1_000_000_000
"""Vision says ten times a second how the camera is; its other work does not hold that up for so long."""


class Presence:
    """What vision says of the camera, and what its silence says."""

    def __init__(self, takt_ms: float | None) -> None:
        """``takt_ms``: between two parts, where the belt never runs empty."""
        self._takt_ms = takt_ms
        silence_ns = None if takt_ms is None else round(SILENT_PERIODS * takt_ms * 1e6)
        self._silence_ns = None if silence_ns is None else max(MIN_SILENCE_NS, silence_ns)
        self._said = ""
        self._heard_ns: int | None = None
        self._frame_ns: int | None = None
        self._looked_ns = 0

    def arm(self, now_ns: int) -> None:
        """Vision is there; it speaks of the camera from now on."""
        self._said, self._heard_ns, self._frame_ns = "", now_ns, None

    def hear(self, lost: str, now_ns: int) -> None:
        """Vision says why no frame will come; "" while one may."""
        if self._said and not lost:
            self._frame_ns = None  # its first part may be far
        self._said, self._heard_ns = lost, now_ns

    def see(self, now_ns: int) -> None:
        """A frame has come."""
        self._frame_ns = now_ns

    def lose_vision(self, now_ns: int) -> None:
        """Nobody listens to the camera until vision speaks of it again."""
        self._said, self._heard_ns, self._frame_ns = "vision is started anew", None, None

    def trouble(self, now_ns: int) -> str:
        """Why parts may go by unseen; "" where none do."""
        self._looked_ns = now_ns
        if self._said:
            return self._said
        if self._heard_ns is not None and now_ns - self._heard_ns > DUMB_NS:
            return f"vision has not spoken of it for {(now_ns - self._heard_ns) / 1e6:.0f} ms"
        silent_ns = 0 if self._frame_ns is None else now_ns - self._frame_ns
        if self._silence_ns is None or silent_ns <= self._silence_ns:
            return ""
        return f"no frame for {silent_ns / 1e6:.0f} ms, at a takt of {self._takt_ms:g} ms"

    def next_due_ns(self) -> int | None:
        """When :meth:`trouble` may begin, if nothing happens before; None where it has, or is not timed."""
        moments = []
        if self._heard_ns is not None:
            moments.append(self._heard_ns + DUMB_NS + 1)
        if self._frame_ns is not None and self._silence_ns is not None:
            moments.append(self._frame_ns + self._silence_ns + 1)
        return min((moment for moment in moments if moment > self._looked_ns), default=None)
