"""Cameras behind Linux' video driver (USB and others), by OpenCV."""

from __future__ import annotations

import os
import time

import cv2

from taktsight.errors import CameraError, ConfigError
from taktsight.inspect.cameras.camera import Exposure
from taktsight.inspect.cameras.live import LiveCamera
from taktsight.inspect.cameras.live_settings import V4l2Settings
from taktsight.inspect.cameras.opencv_frames import from_opencv
from taktsight.inspect.cameras.receiver import Frame
from taktsight.inspect.cameras.stream import Broken

# OpenCV's only way to be told, in whole seconds; it would wait 10 for a camera that hangs.
os.environ.setdefault("OPENCV_VIDEOIO_V4L_SELECT_TIMEOUT", "1")
EXPOSURE_STEP_US = 100
MANUAL_EXPOSURE = 1
"""V4L2_EXPOSURE_MANUAL."""
MAX_AGE_NS = 5_000_000_000
"""A frame whose time lies further back, or in the future, is not dated by this computer's clock."""


def open_v4l2(settings: V4l2Settings, channels: int) -> LiveCamera:
    """The camera that a station names.

    Raises:
        CameraError: If it cannot be opened.
        ConfigError: If it does not run as it is asked to.
    """
    return LiveCamera(settings, lambda: V4l2Source(settings, channels))


class V4l2Source:
    """An open video device."""

    def __init__(self, settings: V4l2Settings, channels: int) -> None:
        self._settings = settings
        self._channels = channels
        self._by_driver = settings.clock == "driver"
        self._delay_ns = round(settings.delay_ms * 1e6)
        self._last_ns = 0
        device = settings.device
        named = device if isinstance(device, int) else str(device)
        self._capture = cv2.VideoCapture(named, cv2.CAP_V4L2)
        if not self._capture.isOpened():
            raise CameraError(f"{device} cannot be opened: absent, in use, or not allowed to this user")
        try:
            self._set_and_check()
        except ConfigError:
            self.close()
            raise

    def receive(self, _until_ns: int) -> Frame | None:
        """The next frame; the driver waits for it no longer than a second.

        Raises:
            CameraError: If the camera is gone, hangs, or its driver keeps another clock.
        """
        if not self._capture.grab():
            raise CameraError(f"{self._settings.device}: no frame came: the camera is gone or hangs")
        arrived_ns = time.monotonic_ns()
        captured_ns = self._captured_ns(arrived_ns)
        if captured_ns == self._last_ns:
            return Broken("the same frame came again: its time is that of the one before", arrived_ns)
        self._last_ns = captured_ns
        is_whole, image = self._capture.retrieve()
        if not is_whole:
            return Broken("a frame came that cannot be decoded", captured_ns)
        is_jpeg = self._settings.fourcc == "MJPG"
        image = from_opencv(image, self._channels)
        return Exposure(image, captured_ns, may_repeat="rows" if is_jpeg else "nothing")

    def close(self) -> None:
        """Lets go of the device."""
        self._capture.release()

    def _captured_ns(self, arrived_ns: int) -> int:
        if not self._by_driver:
            return arrived_ns - self._delay_ns
        driver_ns = round(self._capture.get(cv2.CAP_PROP_POS_MSEC) * 1e6)
        if not arrived_ns - MAX_AGE_NS < driver_ns <= arrived_ns:
            raise CameraError(
                f"{self._settings.device}: its driver keeps another clock than this computer's "
                f"({driver_ns} ns, it is {arrived_ns} ns); set 'clock: arrival' and measure delay_ms"
            )
        return driver_ns - self._delay_ns

    def _set_and_check(self) -> None:
        wanted = _wanted(self._settings)
        if not self._by_driver:  # a frame that waited would be dated too late
            self._capture.set(cv2.CAP_PROP_BUFFERSIZE, 1)
        for name, value in wanted:
            self._capture.set(name, value)
        mistakes = [mistake for name, value in wanted if (mistake := self._mistake(name, value))]
        if mistakes:
            raise ConfigError(
                f"{self._settings.device} does not run as asked: {'; '.join(mistakes)}. "
                "'v4l2-ctl --list-formats-ext --list-ctrls' says what it can do"
            )

    def _mistake(self, name: int, wanted: float) -> str:
        got = self._capture.get(name)
        if abs(got - wanted) <= abs(wanted) * 1e-3:
            return ""
        if name == cv2.CAP_PROP_FOURCC:
            return f"fourcc {_letters(got)!r}, asked for {_letters(wanted)!r}"
        return f"{SAID[name]} {got * UNITS.get(name, 1):g}, asked for {wanted * UNITS.get(name, 1):g}"


SAID = {
    cv2.CAP_PROP_FRAME_WIDTH: "width_px",
    cv2.CAP_PROP_FRAME_HEIGHT: "height_px",
    cv2.CAP_PROP_FPS: "fps",
    cv2.CAP_PROP_AUTO_EXPOSURE: "automatic exposure",
    cv2.CAP_PROP_EXPOSURE: "exposure_us",
    cv2.CAP_PROP_GAIN: "gain",
}
UNITS = {cv2.CAP_PROP_EXPOSURE: EXPOSURE_STEP_US}


def _wanted(settings: V4l2Settings) -> list[tuple[int, float]]:
    """OpenCV's properties in the order they must be set in."""
    wanted: list[tuple[int, float]] = [
        (cv2.CAP_PROP_FOURCC, cv2.VideoWriter.fourcc(*settings.fourcc)),
        (cv2.CAP_PROP_FRAME_WIDTH, settings.width_px),
        (cv2.CAP_PROP_FRAME_HEIGHT, settings.height_px),
        (cv2.CAP_PROP_FPS, settings.fps),
    ]
    if settings.exposure_us is not None:
        steps = round(settings.exposure_us / EXPOSURE_STEP_US)
        wanted += [(cv2.CAP_PROP_AUTO_EXPOSURE, MANUAL_EXPOSURE), (cv2.CAP_PROP_EXPOSURE, steps)]
    if settings.gain is not None:
        wanted.append((cv2.CAP_PROP_GAIN, settings.gain))
    return wanted


def _letters(fourcc: float) -> str:
    return int(fourcc).to_bytes(4, "little").decode("ascii", "replace")
