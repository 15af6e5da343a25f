"""A camera that a wire triggers: it exposes when the part's own sensor says so."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable

from taktsight.errors import CameraError, TaktsightError
from taktsight.inspect.cameras.camera import Exposure
from taktsight.inspect.cameras.live import FIRST_FRAME_NS, LiveCamera, opened
from taktsight.inspect.cameras.live_settings import LiveSettings
from taktsight.inspect.cameras.on_demand import TriggeredSource
from taktsight.inspect.cameras.receiver import Source
from taktsight.inspect.messages import Expose
from taktsight.records import Image

log = logging.getLogger(__name__)


class WiredCamera:
    """It may be the station's trigger too. For the rehearsal it is told to make one frame.

    Args:
        settings: as the station file has them.
        open_source: opens the camera as they ask.
        open_by_command: opens it so that it can be told to expose.

    Raises:
        CameraError: If it cannot be opened.
        ConfigError: If it cannot do what the settings ask for.
    """

    def __init__(
        self,
        settings: LiveSettings,
        open_source: Callable[[], Source],
        open_by_command: Callable[[], TriggeredSource],
    ) -> None:
        self.name = settings.name
        self._rehearsed = _one_frame(settings.name, open_by_command)
        self._camera = LiveCamera(settings, open_source, is_free=False)

    @property
    def parts(self) -> None:
        """A camera does not end."""

    def rehearsal(self) -> Image:
        """The frame that it was told to make before.

        Raises:
            CameraError: If it cannot be told.
        """
        if self._rehearsed is None:
            raise CameraError(f"{self.name}: has no frame before a part comes by")
        return self._rehearsed

    def tell_exposures(self, tell: Callable[[int, int], object]) -> None:
        """From now on ``tell`` is given number and ``captured_ns`` of each frame, before it is asked for.

        Of a damaged one too, as far as the camera numbers it: its part is there.
        """
        self._camera.tell_frames(tell)

    def outage(self) -> str:
        """Why no frame will come, as far as its driver says; "" while one may.

        Raises:
            LineError: If the driver hangs and nothing but a new process helps.
        """
        return self._camera.outage()

    def grab(self, expose: Expose) -> Exposure:
        """The frame that the wire exposed for a part.

        Raises:
            CameraError: If none was, it did not come in time, or it is not whole.
            LineError: If the driver hangs and nothing but a new process helps.
        """
        return self._camera.grab(expose)

    def close(self) -> None:
        """Lets go of the camera."""
        self._camera.close()


def _one_frame(name: str, open_by_command: Callable[[], TriggeredSource]) -> Image | None:
    try:
        source = opened(open_by_command)
        try:
            source.trigger()
            frame = source.receive(time.monotonic_ns() + FIRST_FRAME_NS)
        finally:
            source.close()
    except TaktsightError as error:  # what is wrong beside is found when it is opened for good
        log.info("camera %s makes no frame for a rehearsal: %s", name, error)
        return None
    return frame.image if isinstance(frame, Exposure) else None
