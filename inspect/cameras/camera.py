"""What every camera gives, and which module opens which kind."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Literal, Protocol, runtime_checkable

from taktsight.errors import ConfigError
from taktsight.inspect.cameras.gige_settings import AravisSettings, VivaSettings
from taktsight.inspect.cameras.live_settings import LiveCameraSettings
from taktsight.inspect.cameras.settings import CameraSettings, FolderSettings
from taktsight.inspect.messages import Expose
from taktsight.inspect.triggers.settings import TriggerSettings
from taktsight.records import Image

if TYPE_CHECKING:
    from taktsight.inspect.cameras.session import Session

Repeats = Literal["nothing", "rows", "frames"]
"""What two exposures may have in common by chance: nothing, where a sensor's noise comes through untouched;
whole rows, where it was compressed away; whole frames, where images are stored, and of any size."""


@dataclass(frozen=True, slots=True)
class Exposure:
    """What a camera gave for one part."""

    image: Image
    """(H, W, C) uint8, C as the bundle wants it: 1 (mono) or 3 (RGB). Nobody writes to it any more."""
    captured_ns: int
    """Start of the exposure, or the nearest to it that this camera can say; monotonic clock of this
    computer, ns."""
    counter: int | None = None
    """The camera's own count of frames: a gap is a frame that was lost. None where it does not count."""
    serial: str | None = None
    """What the camera knows of the part: a file's name, a code it read."""
    may_repeat: Repeats = "nothing"
    """A row or frame that came before is a fault, unless it may repeat."""
    lost_frames: int = 0
    """By the camera's count, frames between this one and the one before it that never came."""


class Camera(Protocol):
    """One camera, opened. Only its grab thread calls it."""

    name: str

    @property
    def parts(self) -> int | None:
        """How many parts it can show; None without end."""

    def rehearsal(self) -> Image:
        """An image of the size it will deliver, for the rehearsal before service; it need not show a part.

        Raises:
            CameraError: If it has none; the first part may have.
        """

    def grab(self, expose: Expose) -> Exposure:
        """The frame of a part: exposed for it, never for another one, and not after its time.

        Raises:
            CameraError: If none came in time, or not a whole one; the next part may have its frame.
        """

    def close(self) -> None:
        """Lets go of the camera; no thread of it runs any more."""


@runtime_checkable
class SelfTriggered(Protocol):
    """What a camera offers beside that where the part's own sensor triggers it (``trigger: camera``)."""

    def tell_exposures(self, tell: Callable[[int, int], object]) -> None:
        """From now on ``tell`` is given counter and ``captured_ns`` of each frame, before it is asked for.

        The camera calls it on a thread of its own; it does not wait. The part is then asked for by
        :meth:`Camera.grab`, with the same ``captured_ns``.
        """

    def outage(self) -> str:
        """Why no frame of it will come; "" while one may. Asked many times a second; it does not wait.

        Raises:
            LineError: If the driver hangs and nothing but a new process helps.
        """


def leader_of(cameras: Sequence[Camera], trigger: TriggerSettings) -> tuple[str, SelfTriggered] | None:
    """The camera that is the station's trigger, with its name; None where something else is.

    Raises:
        ConfigError: If it does not say when it is triggered.
    """
    if trigger.kind != "camera":
        return None
    for camera in cameras:
        if camera.name == trigger.camera and isinstance(camera, SelfTriggered):
            return camera.name, camera
    raise ConfigError(
        f"trigger.camera {trigger.camera!r}: no view uses it, or it never says that it exposed"
    )


def open_camera(settings: CameraSettings, channels: int) -> Camera:
    """The camera that a station names.

    Args:
        settings: as the station file has them.
        channels: 1 or 3, as the bundle wants frames.

    Raises:
        ConfigError: If it cannot do what is asked for: nothing is set to something near it.
        CameraError: If it cannot be opened.
    """
    if isinstance(settings, FolderSettings):
        return _open_folder(settings, channels)
    if settings.kind == "video":
        from taktsight.inspect.cameras.video import VideoCamera

        return VideoCamera(settings, channels)
    if isinstance(settings, AravisSettings | VivaSettings):
        return _open_gige(settings, channels)
    return _open_live(settings, channels)


def _open_folder(settings: FolderSettings, channels: int) -> Camera:
    from taktsight.inspect.cameras.folder import FolderCamera

    images = FolderCamera(settings.name, settings.folder, repeat=settings.repeat, channels=channels)
    if settings.takt_ms is None:
        return images
    from taktsight.inspect.cameras.paced_folder import PacedFolderCamera

    return PacedFolderCamera(images, round(settings.takt_ms * 1e6))


def _open_gige(settings: AravisSettings | VivaSettings, channels: int) -> Camera:
    from taktsight.inspect.cameras.gige_camera import GigeCamera

    if settings.line_scan is not None:
        return _open_line_scan(settings, channels)
    camera = GigeCamera(settings, channels, _opener(settings))
    if settings.trigger != "hardware":
        return camera
    from taktsight.inspect.cameras.wired_gige import WiredGigeCamera

    return WiredGigeCamera(camera)


def _open_line_scan(settings: AravisSettings | VivaSettings, channels: int) -> Camera:
    from taktsight.inspect.cameras.line_scan_camera import LineScanCamera, with_room

    roomy = with_room(settings)
    return LineScanCamera(roomy, channels, _opener(roomy))


def _opener(settings: AravisSettings | VivaSettings) -> Callable[[float], Session]:
    if isinstance(settings, AravisSettings):
        from taktsight.inspect.cameras.aravis_session import open_aravis

        return partial(open_aravis, settings)
    from taktsight.inspect.cameras.viva_session import open_viva

    return partial(open_viva, settings)


def _open_live(settings: LiveCameraSettings, channels: int) -> Camera:
    if settings.kind == "v4l2":
        from taktsight.inspect.cameras.v4l2 import open_v4l2

        return open_v4l2(settings, channels)
    if settings.kind == "rtsp":
        from taktsight.inspect.cameras.rtsp import open_rtsp

        return open_rtsp(settings, channels)
    if settings.kind == "gstreamer":
        from taktsight.inspect.cameras.gstreamer import open_gstreamer

        return open_gstreamer(settings, channels)
    if settings.kind == "gentl":
        from taktsight.inspect.cameras.gentl import open_gentl

        return open_gentl(settings, channels)
    from taktsight.inspect.cameras.pylon import open_pylon

    return open_pylon(settings, channels)
