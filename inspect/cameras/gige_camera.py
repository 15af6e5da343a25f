"""A camera that sends frames, behind the protocol that the line grabs by.

Whoever grabs never waits for the camera, only for a frame and only for so long.
"""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np

from taktsight.errors import CameraError
from taktsight.inspect.cameras.camera import Exposure
from taktsight.inspect.cameras.frame_intake import FrameIntake
from taktsight.inspect.cameras.gige_settings import GigeSettings
from taktsight.inspect.cameras.keeper import OpenSession, open_keeper
from taktsight.inspect.cameras.stream import FrameStream
from taktsight.inspect.messages import Expose
from taktsight.records import Image

CLOCK_SLACK_NS = 1_000_000
"""So much before it is fired a frame may seem to be exposed: two clocks are never quite alike."""
ARRIVAL_NS = 50_000_000
"""What a frame may take beside that, on a busy computer."""


class GigeCamera:
    """GigE Vision or USB3 Vision, through whichever library opens it."""

    def __init__(self, settings: GigeSettings, channels: int, open_session: OpenSession) -> None:
        """Opens it.

        Raises:
            ConfigError: If it cannot do what the station asks for.
            CameraError: If it is not there, somebody else has it, or it sends no whole frame.
        """
        self.name = settings.name
        self._settings, self._channels = settings, channels
        self._stream = FrameStream(settings.name, max(2, settings.buffers // 2))
        self._intake = FrameIntake(self._stream, channels)
        self._keeper = open_keeper(settings, self._stream, self._intake, open_session)

    @property
    def parts(self) -> int | None:
        """Without end."""
        return None

    @property
    def losses(self) -> int:
        """How often it was lost."""
        return self._keeper.losses

    @property
    def strays(self) -> int:
        """Frames that no part asked for, or asked for too late."""
        return self._stream.strays

    @property
    def lost(self) -> str:
        """Why no frame will come; "" as long as one may."""
        return self._stream.lost

    def tell_frames(self, tell: Callable[[int, int], object]) -> None:
        """From now on ``tell`` is given number and time of each frame, on the receiving thread."""
        self._intake.tell = tell

    def rehearsal(self) -> Image:
        """Grey, of the size that it delivers."""
        running = self._keeper.running
        return np.full((running.height_px, running.width_px, self._channels), 128, np.uint8)

    def grab(self, expose: Expose) -> Exposure:
        """The frame that was exposed for a part.

        Raises:
            CameraError: If there is none, it is not whole, or the camera is gone.
        """
        session = self._keeper.session
        from_ns, to_ns, until_ns = self._window(expose)
        if self._settings.trigger == "software" and session and not self._stream.lost:
            now_ns = time.monotonic_ns()
            if now_ns > min(to_ns, until_ns):
                late_ms = (now_ns - expose.captured_ns) / 1e6
                raise CameraError(
                    f"{self.name}: not exposed, {late_ms:.0f} ms after the trigger is too late"
                )
            from_ns = now_ns - CLOCK_SLACK_NS
            session.fire()
        try:
            return self._stream.take(from_ns, to_ns, until_ns)
        except CameraError:
            if session is not None:
                session.missed += 1  # whatever comes in sets it back
            raise

    def close(self) -> None:
        """Lets go of it; no thread of it runs any more."""
        self._keeper.close()

    def _window(self, expose: Expose) -> tuple[int, int, int]:
        """Between which moments an exposure shows the part, and until when the frame is waited for."""
        settings, triggered_ns = self._settings, expose.captured_ns
        from_ns = triggered_ns - round(settings.expose_before_ms * 1e6)
        to_ns = triggered_ns + round(settings.within_ms * 1e6)
        if settings.frame_timeout_ms is None:
            until_ns = to_ns + self._keeper.running.transfer_ns + ARRIVAL_NS
        else:
            until_ns = triggered_ns + round(settings.frame_timeout_ms * 1e6)
        return from_ns, to_ns, min(expose.answer_by_ns, until_ns)
