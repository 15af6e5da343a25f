"""The thread that a camera's frames come in by: it receives, notices a loss, and opens the camera anew.

It alone touches the camera's driver. Where the driver keeps it and never answers, it can be left behind and
another one takes its place.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from typing import Protocol

from taktsight.errors import CameraError, TaktsightError
from taktsight.inspect.cameras.camera import Exposure
from taktsight.inspect.cameras.stream import Broken, FrameStream

log = logging.getLogger(__name__)

SLICE_NS = 100_000_000
"""How long one call waits for a frame, where the driver can be told."""
SILENCE_NS = 2_000_000_000
"""A camera that runs freely and sends nothing for so long is opened anew."""
RETRY_S = 0.5
"""Between two attempts to open it."""

Frame = Exposure | Broken


class Source(Protocol):
    """An open connection to a camera. Only its receiver calls it."""

    def receive(self, until_ns: int) -> Frame | None:
        """The next frame; None if there was none until then.

        Raises:
            CameraError: If the camera is gone, or no longer what was asked for. The camera's name is put
                before what it says.
        """

    def close(self) -> None:
        """Lets go of the camera, whatever state it is in."""


class Receiver:
    """A source, the thread that receives from it, and what is known of both.

    Args:
        name: the camera's.
        stream: where frames go.
        open_source: opens the camera as asked, or raises a CameraError or ConfigError.
        source: already open; None to open it first.
        is_free: whether frames must come without anybody asking.
    """

    def __init__(
        self,
        name: str,
        stream: FrameStream,
        open_source: Callable[[], Source],
        source: Source | None,
        *,
        is_free: bool,
    ) -> None:
        self.name = name
        self.lost_frames = 0
        """Gaps in the camera's own count."""
        self.is_lost = False
        self.losses = 0
        """How often the camera was lost."""
        self.progress_ns = self.frame_ns = time.monotonic_ns()
        """Monotonic: when the driver last answered; when the last frame came."""
        self.period_ns = 0
        """Between two frames, about."""
        self.tell: Callable[[int, int], object] | None = None
        """Is given number and time of each frame, whole or not: the camera's number, else our own."""
        self._told: int | None = None
        self._stream = stream
        self._open_source = open_source
        self._is_free = is_free
        self._shape: tuple[int, ...] | None = None
        self._counter: int | None = None
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, args=(source,), daemon=True)
        self._thread.start()

    @property
    def is_alive(self) -> bool:
        """Whether its thread still runs."""
        return self._thread.is_alive()

    def stop(self) -> None:
        """Ends as soon as its driver answers; puts no frame into the stream any more."""
        self._stopped.set()

    def join(self, timeout_s: float) -> bool:
        """Waits for its end; whether it came."""
        self._thread.join(timeout_s)
        return not self._thread.is_alive()

    def _run(self, source: Source | None) -> None:
        while not self._stopped.is_set():
            try:
                if source is None:
                    source = self._open_source()
                    self.frame_ns = time.monotonic_ns()
                    self._opened()
                self._receive(source)
            except TaktsightError as error:
                self._lose(str(error))
            finally:
                if source is not None:
                    source.close()
                source = None
            self.progress_ns = time.monotonic_ns()
            self._stopped.wait(RETRY_S)

    def _receive(self, source: Source) -> None:
        self._counter = None
        while not self._stopped.is_set():
            self.progress_ns = time.monotonic_ns()
            frame = source.receive(time.monotonic_ns() + SLICE_NS)
            if frame is not None:
                self._put(frame)
            elif self._is_free and self.progress_ns - self.frame_ns > self._longest_silence_ns():
                silent_s = self._longest_silence_ns() / 1e9
                raise CameraError(f"no frame for {silent_s:g} s: the camera sends nothing any more")

    def _longest_silence_ns(self) -> int:
        return max(SILENCE_NS, 3 * self.period_ns)

    def _put(self, frame: Frame) -> None:
        now_ns = time.monotonic_ns()
        if self._is_free:
            self._time(now_ns - self.frame_ns)
        self.frame_ns = now_ns
        checked = self._checked(frame) if isinstance(frame, Exposure) else frame
        if self._stopped.is_set():
            return
        self._find()
        self._stream.put(checked)
        self._tell_of(frame)

    def _tell_of(self, frame: Frame) -> None:
        """What came again is no new part; what a camera left without its number is a gap in its count."""
        counts = self._counter is not None
        number = frame.counter if counts or frame.counter is not None else (self._told or 0) + 1
        if self.tell is None or number is None or number == self._told:
            return
        self._told = number
        self.tell(number, frame.captured_ns)

    def _time(self, interval_ns: int) -> None:
        self.period_ns = (7 * self.period_ns + interval_ns) // 8 if self.period_ns else interval_ns

    def _checked(self, frame: Exposure) -> Frame:
        """The frame, or why it is none: repeated, or of another size than those before."""
        last, self._counter = self._counter, frame.counter
        if last is not None and frame.counter is not None:
            if frame.counter == last:
                reason = f"the same frame came again: number {last}"
                return Broken(reason, frame.captured_ns, frame.counter)
            self.lost_frames += max(0, frame.counter - last - 1)
        self._shape = self._shape or frame.image.shape
        if frame.image.shape != self._shape:
            got, wanted = (f"{shape[1]} × {shape[0]}" for shape in (frame.image.shape, self._shape))
            reason = f"a frame of {got} px came; the camera began with {wanted} px"
            return Broken(reason, frame.captured_ns, frame.counter)
        return frame

    def _opened(self) -> None:
        """Where frames only come when parts do, nothing else says that the camera is there again."""
        if not self._is_free and not self._stopped.is_set():
            self._find()
            self._stream.regain()

    def _find(self) -> None:
        if self.is_lost:
            self.is_lost = False
            log.info("camera %s is there again", self.name)

    def _lose(self, reason: str) -> None:
        if not self.is_lost:
            self.is_lost = True
            self.losses += 1
            log.warning("camera %s is lost: %s", self.name, reason)
        if not self._stopped.is_set():
            self._stream.lose(reason)
