"""A video file in the place of a camera."""

from __future__ import annotations

from collections import OrderedDict
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

import cv2

from taktsight.errors import CameraError
from taktsight.inspect.cameras.camera import Exposure
from taktsight.inspect.cameras.live_settings import VideoSettings
from taktsight.inspect.cameras.opencv_frames import from_opencv
from taktsight.inspect.messages import Expose
from taktsight.records import Image

if TYPE_CHECKING:  # an OpenCV that comes with a system may be too old to have it
    from cv2.typing import MatLike

LOOK_AHEAD = 4
"""Frames decoded before they are asked for: a real camera does not decode either."""
OPEN_MS, READ_MS = 5000, 2000
"""OpenCV would wait 30 s for a file on a network drive that is gone."""


class VideoCamera:
    """Part n is frame n of the file."""

    def __init__(self, settings: VideoSettings, channels: int) -> None:
        self.name = settings.name
        self._file = settings.file
        self._repeat = settings.repeat
        self._channels = channels
        self._video = _Video(settings.file, settings.name)
        self._decoder = ThreadPoolExecutor(1, f"decode-{self.name}")
        self._ahead: OrderedDict[int, Future[Image]] = OrderedDict()
        self._look_ahead(1)

    @property
    def parts(self) -> int | None:
        """How many parts it can show; None without end."""
        return None if self._repeat else self._video.frames

    def rehearsal(self) -> Image:
        """The first frame.

        Raises:
            CameraError: If it cannot be decoded.
        """
        return self.grab(Expose(1, 0, 0)).image

    def grab(self, expose: Expose) -> Exposure:
        """The frame of a part; the file's name and the frame's number are its serial.

        Raises:
            CameraError: If there is no such frame or it cannot be decoded.
        """
        trigger, frames = expose.trigger, self._video.frames
        if not self._repeat and trigger > frames:
            raise CameraError(f"{self.name}: {frames} frames, none for part {trigger}")
        self._look_ahead(trigger)
        image = self._ahead.pop(trigger).result()
        serial = f"{self._file.name}#{self._number(trigger)}"
        return Exposure(image, expose.captured_ns, trigger, serial, may_repeat="frames")

    def close(self) -> None:
        """Ends the decoder."""
        for decoding in self._ahead.values():
            decoding.cancel()
        self._decoder.submit(self._video.close)
        self._decoder.shutdown()

    def _look_ahead(self, trigger: int) -> None:
        for passed in [number for number in self._ahead if number < trigger]:
            self._ahead.pop(passed).cancel()
        for number in range(trigger, trigger + 1 + LOOK_AHEAD):
            if number not in self._ahead and (self._repeat or number <= self._video.frames):
                self._ahead[number] = self._decoder.submit(self._decode, self._number(number))

    def _number(self, trigger: int) -> int:
        return (trigger - 1) % self._video.frames + 1

    def _decode(self, number: int) -> Image:
        return from_opencv(self._video.frame(number), self._channels)


class _Video:
    """Frames by their number, read in order: a jump in a compressed file does not always find the frame."""

    def __init__(self, file: Path, name: str) -> None:
        self._file = file
        self._name = name
        self._capture = self._open()
        self._next = 1
        self.frames = int(self._capture.get(cv2.CAP_PROP_FRAME_COUNT))
        if self.frames < 1:
            self._capture.release()
            raise CameraError(f"{name}: {file} does not say how many frames it has; make an .mp4 of it")

    def frame(self, number: int) -> MatLike:
        """The frame, BGR; those before it are passed over.

        Raises:
            CameraError: If the file ends before it.
        """
        if number < self._next:
            self._capture.release()
            self._capture, self._next = self._open(), 1
        while self._next < number and self._capture.grab():
            self._next += 1
        is_there, image = self._capture.read()
        if not is_there:
            raise CameraError(
                f"{self._name}: {self._file} can be read up to frame {self._next - 1}, not frame {number}"
            )
        self._next += 1
        return image

    def close(self) -> None:
        """Lets go of the file."""
        self._capture.release()

    def _open(self) -> cv2.VideoCapture:
        limits = [cv2.CAP_PROP_OPEN_TIMEOUT_MSEC, OPEN_MS, cv2.CAP_PROP_READ_TIMEOUT_MSEC, READ_MS]
        capture = cv2.VideoCapture(str(self._file), cv2.CAP_FFMPEG, limits)
        if not capture.isOpened():
            reason = "is not a video that can be read" if self._file.is_file() else "there is no such file"
            raise CameraError(f"{self._name}: {self._file}: {reason}")
        return capture
