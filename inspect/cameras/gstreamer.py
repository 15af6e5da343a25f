"""GStreamer pipelines as cameras, by an OpenCV that was built with GStreamer."""

from __future__ import annotations

import time

import cv2

from taktsight.errors import CameraError, ConfigError
from taktsight.inspect.cameras.addresses import without_password
from taktsight.inspect.cameras.camera import Exposure, Repeats
from taktsight.inspect.cameras.live import LiveCamera
from taktsight.inspect.cameras.live_settings import GstreamerSettings
from taktsight.inspect.cameras.opencv_frames import from_opencv
from taktsight.inspect.cameras.pipelines import is_uncompressed, pipeline_text, size_asked
from taktsight.inspect.cameras.receiver import Frame
from taktsight.inspect.cameras.source_clock import Dated, SourceClock
from taktsight.inspect.cameras.stream import Broken

OPEN_MS, READ_MS = 3000, 2000
"""An OpenCV that knows no such limit waits as long as GStreamer does: 27 s for a network stream."""
TIMEOUTS_SINCE = (4, 7)


def open_gstreamer(settings: GstreamerSettings, channels: int) -> LiveCamera:
    """The camera that a station names.

    Raises:
        CameraError: If the pipeline does not run, or this OpenCV has no GStreamer.
        ConfigError: If its frames have another size than asked for.
    """
    return LiveCamera(settings, lambda: GstreamerSource(settings, channels))


class GstreamerSource:
    """A running pipeline."""

    def __init__(self, settings: GstreamerSettings, channels: int) -> None:
        if not cv2.videoio_registry.hasBackend(cv2.CAP_GSTREAMER):
            raise CameraError(
                f"this OpenCV ({cv2.__version__}) was built without GStreamer, as all wheels of it are; "
                "Debian's, Ubuntu's and JetPack's python3-opencv have it, see docs/cameras.md"
            )
        self._channels = channels
        self._may_repeat: Repeats = "nothing" if is_uncompressed(settings.source) else "rows"
        self._by_stream = settings.clock == "stream"
        self._delay_ns = round(settings.delay_ms * 1e6)
        self._clock = SourceClock(self._delay_ns, settles=True)
        text = pipeline_text(settings.source, channels)
        self._shown = without_password(text)
        self._capture = cv2.VideoCapture(text, cv2.CAP_GSTREAMER, _limits())
        if not self._capture.isOpened():
            raise CameraError(
                f"the pipeline does not run; GStreamer's own words stand above, and 'gst-launch-1.0 -v' "
                f"says more: {self._shown}"
            )
        try:
            self._check_size(settings)
        except ConfigError:
            self.close()
            raise

    def receive(self, _until_ns: int) -> Frame | None:
        """The next frame; how long GStreamer waits for it is up to the OpenCV.

        Raises:
            CameraError: If the pipeline has ended.
        """
        is_there, image = self._capture.read()
        arrived_ns = time.monotonic_ns()
        if not is_there:
            raise CameraError(f"no frame came: the pipeline has ended or hangs: {self._shown}")
        dated = self._date(arrived_ns)
        if dated.fault:
            return Broken(dated.fault, dated.captured_ns)
        return Exposure(from_opencv(image, self._channels), dated.captured_ns, may_repeat=self._may_repeat)

    def close(self) -> None:
        """Ends the pipeline."""
        self._capture.release()

    def _date(self, arrived_ns: int) -> Dated:
        if not self._by_stream:
            return Dated(arrived_ns - self._delay_ns)
        stream_ns = round(self._capture.get(cv2.CAP_PROP_POS_MSEC) * 1e6)
        return self._clock.date(stream_ns, arrived_ns)

    def _check_size(self, settings: GstreamerSettings) -> None:
        size = (cv2.CAP_PROP_FRAME_WIDTH, cv2.CAP_PROP_FRAME_HEIGHT)
        runs = tuple(int(self._capture.get(name)) for name in size)
        asked = size_asked(settings.source)
        if asked is not None and runs != asked:
            raise ConfigError(
                f"the pipeline's frames have {runs[0]} × {runs[1]} px, the station asks for "
                f"{asked[0]} × {asked[1]} px: {self._shown}"
            )


def _limits() -> list[int]:
    """Open and read timeouts, for an OpenCV that takes them; an older one refuses to open with them."""
    version = tuple(int(number) for number in cv2.__version__.split(".")[:2])
    if version < TIMEOUTS_SINCE:
        return []
    return [cv2.CAP_PROP_OPEN_TIMEOUT_MSEC, OPEN_MS, cv2.CAP_PROP_READ_TIMEOUT_MSEC, READ_MS]
