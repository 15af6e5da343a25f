"""A camera that is really there: each part gets the frame exposed for it, whatever happens meanwhile."""

from __future__ import annotations

import contextlib
import logging
import queue
import threading
import time
from collections.abc import Callable
from typing import TypeVar

from taktsight.errors import CameraError, LineError, TaktsightError
from taktsight.inspect.cameras.camera import Exposure
from taktsight.inspect.cameras.live_settings import LiveSettings
from taktsight.inspect.cameras.on_demand import OnDemand, Order, TriggeredSource
from taktsight.inspect.cameras.receiver import Receiver, Source
from taktsight.inspect.cameras.stream import FrameStream
from taktsight.inspect.messages import Expose
from taktsight.records import Image

log = logging.getLogger(__name__)
AnySource = TypeVar("AnySource", bound=Source)

OPEN_S = 20.0
"""How long a camera may take to open when the line starts."""
FIRST_FRAME_NS = 5_000_000_000
SILENT_PERIODS = 3
MIN_SILENCE_NS = 250_000_000
"""A camera that runs freely is silent after three of its periods, and not before this time."""
STUCK_NS = 5_000_000_000
"""A driver that has not answered for so long is left behind, and the camera opened anew beside it."""
DUMB_NS = 250_000_000
"""A driver that was asked for a frame answers within this, if only that there is none."""
GIVEN_UP_NS = 30_000_000_000
"""A driver that has not answered for so long never will: only a new process is rid of it."""
MAX_STUCK = 4
CLOSE_S = 5.0
NO_LIMIT_NS = 1 << 62


class LiveCamera:
    """Gives each part the frame that was exposed for it.

    Args:
        settings: as the station file has them.
        open_source: opens the camera as they ask.
        is_free: whether frames come without anybody asking, one after the other.
        orders: where exposures are ordered from ``open_source``; None where the camera is not told.

    Raises:
        CameraError: If it cannot be opened.
        ConfigError: If it cannot do what the settings ask for.
    """

    def __init__(
        self,
        settings: LiveSettings,
        open_source: Callable[[], Source],
        *,
        is_free: bool = True,
        orders: queue.Queue[Order] | None = None,
    ) -> None:
        self.name = settings.name
        self._before_ns = round(settings.expose_before_ms * 1e6)
        self._within_ns = round(settings.expose_within_ms * 1e6)
        self._delay_ns = round(settings.delay_ms * 1e6)
        self._is_free = is_free
        self._orders = orders
        self._tell: Callable[[int, int], object] | None = None
        self._open_source = open_source
        self._stream = FrameStream(self.name)
        try:
            source = opened(open_source)
        except TaktsightError as error:
            raise type(error)(f"{self.name}: {error}") from error
        self._stuck: list[tuple[int, Receiver]] = []
        self._leaving = threading.Lock()
        self._receiver = self._receive(source)

    @property
    def parts(self) -> None:
        """A camera does not end."""

    def rehearsal(self) -> Image:
        """The first frame that comes.

        Raises:
            CameraError: If none comes within some seconds.
        """
        until_ns = time.monotonic_ns() + FIRST_FRAME_NS
        while True:
            try:
                self._order(NO_LIMIT_NS, until_ns)
                return self._stream.take(0, NO_LIMIT_NS, until_ns).image
            except CameraError:
                if time.monotonic_ns() >= until_ns:
                    raise
                time.sleep(0.05)

    def tell_frames(self, tell: Callable[[int, int], object]) -> None:
        """From now on ``tell`` is given number and time of each frame, on the receiving thread."""
        self._tell = self._receiver.tell = tell

    def outage(self) -> str:
        """Why no frame will come, of a camera that only sends one where a part is; "" while one may.

        Raises:
            LineError: If the driver hangs and nothing but a new process helps.
        """
        now_ns = time.monotonic_ns()
        self._leave_stuck(now_ns)
        receiver = self._receiver
        if receiver.is_lost:
            return self._stream.lost or "it was lost, and no frame has come since"
        dumb_ns = now_ns - receiver.progress_ns
        return f"its driver has not answered for {dumb_ns / 1e6:.0f} ms" if dumb_ns > DUMB_NS else ""

    def grab(self, expose: Expose) -> Exposure:
        """The frame that was exposed for a part.

        Raises:
            CameraError: If none was, it did not come in time, or it is not whole.
            LineError: If the driver hangs and nothing but a new process helps.
        """
        now_ns = time.monotonic_ns()
        self._leave_stuck(now_ns)
        not_after_ns = expose.captured_ns + self._within_ns
        self._order(not_after_ns, expose.answer_by_ns)
        until_ns = expose.answer_by_ns
        if self._is_free:
            until_ns = min(until_ns, now_ns + self._delay_ns + self._silence_ns())
            self._notice_silence(now_ns)
        return self._stream.take(expose.captured_ns - self._before_ns, not_after_ns, until_ns)

    def close(self) -> None:
        """Lets go of the camera; a driver that hangs is left to the end of the process."""
        receivers = [self._receiver, *(receiver for _, receiver in self._stuck)]
        for receiver in receivers:
            receiver.stop()
        if not all(receiver.join(CLOSE_S) for receiver in receivers):
            log.warning("camera %s: its driver hangs and was not closed", self.name)
        counts = self._receiver.losses, self._receiver.lost_frames, self._stream.strays
        log.info("camera %s: lost %d times, %d frames missing, %d for no part", self.name, *counts)

    def _receive(self, source: Source | None) -> Receiver:
        receiver = Receiver(self.name, self._stream, self._open_source, source, is_free=self._is_free)
        receiver.tell = self._tell
        return receiver

    def _order(self, not_after_ns: int, until_ns: int) -> None:
        """One at a time: an order that was not taken up is for a part that is over."""
        if self._orders is None:
            return
        with contextlib.suppress(queue.Empty):
            self._orders.get_nowait()
        self._orders.put_nowait(Order(not_after_ns, until_ns))

    def _silence_ns(self) -> int:
        return max(MIN_SILENCE_NS, SILENT_PERIODS * self._receiver.period_ns)

    def _notice_silence(self, now_ns: int) -> None:
        silent_ns = now_ns - self._receiver.frame_ns
        if silent_ns > self._silence_ns() and not self._receiver.is_lost:
            self._stream.lose(f"no frame for {silent_ns / 1e6:.0f} ms: the camera sends nothing any more")

    def _leave_stuck(self, now_ns: int) -> None:
        """Another receiver takes the place of one whose driver does not answer."""
        with self._leaving:  # the part's thread asks, and whoever watches the camera
            self._look_at_stuck(now_ns)

    def _look_at_stuck(self, now_ns: int) -> None:
        self._stuck = [(since_ns, each) for since_ns, each in self._stuck if each.is_alive]
        if any(now_ns - since_ns > GIVEN_UP_NS for since_ns, _ in self._stuck):
            raise LineError(
                f"{self.name}: its driver has not answered for {GIVEN_UP_NS / 1e9:g} s and never will; "
                "vision ends, for a new process to open the camera"
            )
        since_ns = self._receiver.progress_ns
        if now_ns - since_ns > STUCK_NS and len(self._stuck) < MAX_STUCK:
            log.warning(
                "camera %s: its driver does not answer; the camera is opened anew beside it", self.name
            )
            self._receiver.stop()
            self._stuck.append((since_ns, self._receiver))
            self._receiver = self._receive(None)


def opened(open_source: Callable[[], AnySource]) -> AnySource:
    """Opens on a thread of its own: drivers hang, and some libraries take over signals on the main one.

    Args:
        open_source: opens the camera.

    Raises:
        CameraError: If it cannot be opened, or does not open in time.
        ConfigError: If it cannot do what is asked for.
    """
    answers: queue.Queue[AnySource | TaktsightError] = queue.Queue(1)

    def attempt() -> None:
        try:
            answers.put(open_source())
        except TaktsightError as error:
            answers.put(error)

    threading.Thread(target=attempt, daemon=True).start()
    try:
        answer = answers.get(timeout=OPEN_S)
    except queue.Empty:
        raise CameraError(f"did not open within {OPEN_S:g} s: its driver hangs") from None
    if isinstance(answer, TaktsightError):
        raise answer
    return answer


def triggered_camera(settings: LiveSettings, open_source: Callable[[], TriggeredSource]) -> LiveCamera:
    """A camera that is told to expose when a part is there.

    Args:
        settings: as the station file has them.
        open_source: opens the camera as they ask.

    Raises:
        CameraError: If it cannot be opened.
        ConfigError: If it cannot do what the settings ask for.
    """
    orders: queue.Queue[Order] = queue.Queue(1)
    return LiveCamera(settings, lambda: OnDemand(open_source(), orders), is_free=False, orders=orders)
