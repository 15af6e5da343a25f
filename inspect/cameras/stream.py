"""Frames that a camera sends on its own, on their way to the parts they show.

A frame belongs to a part by the time of its exposure, not by its place in the row: after a frame that
was lost, the next one still goes to its own part.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Protocol

from taktsight.errors import CameraError
from taktsight.inspect.cameras.camera import Exposure

MAX_GAP = 65_535
"""Frames lost at once; more is no gap, but a number that no camera counts to, or a count begun anew."""
ROOM = 8
"""Frames that wait; one more, and the oldest goes."""


@dataclass(frozen=True, slots=True)
class Broken:
    """A frame that shows nothing, and why: whoever takes it shall know."""

    reason: str
    captured_ns: int
    counter: int | None = None


@dataclass(frozen=True, slots=True)
class Undeveloped:
    """A frame as it was received; it becomes an image once a part wants it."""

    captured_ns: int
    develop: Callable[[], Exposure]
    """Called once, by whoever takes it. It may raise a CameraError."""
    counter: int | None = None
    encoder_count: int | None = None
    """Of a line-scan camera: the encoder's at its first line."""


class FrameSink(Protocol):
    """Where received frames go."""

    def put(self, frame: Exposure | Undeveloped | Broken) -> None:
        """A frame has come, so the camera is there. Never waits."""

    def lose(self, reason: str) -> None:
        """The camera is gone."""

    def regain(self) -> None:
        """The camera is there again, but has not sent a frame yet."""


class FrameStream:
    """Between the thread that receives frames and the one that grabs them for parts."""

    def __init__(self, name: str, room: int = ROOM) -> None:
        self._name = name
        self._frames: deque[Exposure | Undeveloped | Broken] = deque(maxlen=room)
        self._lost = ""
        self._counter: int | None = None
        self._lost_frames = 0
        self._changed = threading.Condition()
        self.strays = 0
        """Frames that no part asked for, or asked for too late."""

    @property
    def lost(self) -> str:
        """Why no frame will come; "" as long as one may."""
        return self._lost

    def put(self, frame: Exposure | Undeveloped | Broken) -> None:
        """A frame has come, so the camera is there. Never waits."""
        with self._changed:
            self._lost = ""
            self._count(frame)
            self.strays += len(self._frames) == self._frames.maxlen
            self._frames.append(frame)
            self._changed.notify_all()

    def lose(self, reason: str) -> None:
        """The camera is gone: whoever waits need not wait on, until a frame comes again."""
        with self._changed:
            self._lost = reason
            self._changed.notify_all()

    def regain(self) -> None:
        """The camera is there again, but has not sent a frame yet: it may have to be asked for one."""
        with self._changed:
            self._lost = ""

    def take(self, not_before_ns: int, not_after_ns: int, until_ns: int) -> Exposure:
        """The first frame exposed between two moments; older ones are dropped, a younger one stays.

        Args:
            not_before_ns: monotonic clock: what was exposed before shows an earlier part.
            not_after_ns: monotonic clock: what was exposed after shows a later part.
            until_ns: monotonic clock: how long to wait.

        Raises:
            CameraError: If none came, it was broken, or the camera is gone.
        """
        frame = self._take(not_before_ns, not_after_ns, until_ns)
        if isinstance(frame, Broken):
            raise CameraError(f"{self._name}: {frame.reason}")
        with self._changed:
            lost_frames, self._lost_frames = self._lost_frames, 0
        try:
            exposure = frame if isinstance(frame, Exposure) else frame.develop()
        except CameraError as error:
            raise CameraError(f"{self._name}: {error}") from error
        return replace(exposure, lost_frames=lost_frames)

    def _take(
        self, not_before_ns: int, not_after_ns: int, until_ns: int
    ) -> Exposure | Undeveloped | Broken:
        with self._changed:
            while (frame := self._next(not_before_ns)) is None:
                if self._lost:
                    raise CameraError(f"{self._name}: {self._lost}")
                left_ns = until_ns - time.monotonic_ns()
                if left_ns <= 0:
                    raise CameraError(f"{self._name}: no frame came in time")
                self._changed.wait(left_ns / 1e9)
            if frame.captured_ns > not_after_ns:
                late_ms = (frame.captured_ns - not_before_ns) / 1e6
                raise CameraError(
                    f"{self._name}: no frame; the next was exposed {late_ms:.0f} ms after the trigger"
                )
            self._frames.popleft()
        return frame

    def _count(self, frame: Exposure | Undeveloped | Broken) -> None:
        """Of all frames, not only those that parts ask for: between these there may be any number."""
        counter = frame.counter
        if counter is not None and self._counter is not None:
            gap = counter - self._counter - 1
            self._lost_frames += gap if 0 < gap <= MAX_GAP else 0
        self._counter = counter

    def _next(self, not_before_ns: int) -> Exposure | Undeveloped | Broken | None:
        while self._frames and self._frames[0].captured_ns < not_before_ns:
            self._frames.popleft()
            self.strays += 1
        return self._frames[0] if self._frames else None
