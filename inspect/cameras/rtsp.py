"""Network cameras' streams, by PyAV."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import numpy as np

from taktsight.errors import CameraError, ConfigError
from taktsight.inspect.cameras.addresses import without_password
from taktsight.inspect.cameras.camera import Exposure
from taktsight.inspect.cameras.live import LiveCamera
from taktsight.inspect.cameras.live_settings import RtspSettings
from taktsight.inspect.cameras.receiver import Frame
from taktsight.inspect.cameras.source_clock import Dated, SourceClock
from taktsight.inspect.cameras.stream import Broken
from taktsight.records import Image

if TYPE_CHECKING:
    from av.video.frame import VideoFrame

OPEN_S, READ_S = 3.0, 2.0
"""How long connecting and waiting for a frame may take. FFmpeg by itself waits 30 s, or for ever."""
MISSING_PERIODS = 1.5
PROBE_US = 1_000_000
"""How long a stream is looked at before it counts as open."""


def open_rtsp(settings: RtspSettings, channels: int) -> LiveCamera:
    """The camera that a station names.

    Raises:
        CameraError: If it cannot be reached, or PyAV is not installed.
        ConfigError: If its stream has another size than asked for.
    """
    return LiveCamera(settings, lambda: RtspSource(settings, channels))


class RtspSource:
    """An open stream. The decoder holds no frame back and runs on no thread of its own."""

    def __init__(self, settings: RtspSettings, channels: int) -> None:
        self._pixels = "gray" if channels == 1 else "rgb24"
        self._delay_ns = round(settings.delay_ms * 1e6)
        self._by_stream = settings.clock == "stream"
        self._clock = SourceClock(self._delay_ns, settles=True)
        self._shown = without_password(settings.url)
        self._av = _import_av()
        began_s = time.monotonic()
        try:
            self._container = self._av.open(
                settings.url, options=_options(settings), timeout=(OPEN_S, READ_S)
            )
        except (self._av.FFmpegError, OSError) as error:
            raise CameraError(
                f"{self._shown} cannot be opened: {_reason(error, began_s, OPEN_S)}"
            ) from error
        try:
            self._stream = self._video(settings)
        except ConfigError:
            self.close()
            raise
        rate = self._stream.average_rate or self._stream.guessed_rate
        self._period_ns = round(1e9 / rate) if rate else None
        self._frames = self._container.decode(self._stream)
        self._last_ns = 0
        self._is_whole = False  # until a frame comes that rests on no other one

    def receive(self, _until_ns: int) -> Frame | None:
        """The next frame; FFmpeg waits for it no longer than two seconds.

        Raises:
            CameraError: If the stream has ended, or nothing came.
        """
        began_s = time.monotonic()
        try:
            frame = next(self._frames, None)
        except (self._av.FFmpegError, OSError) as error:
            is_late = time.monotonic() - began_s > 0.9 * READ_S
            if isinstance(error, self._av.error.InvalidDataError) and not is_late:
                self._is_whole = False
                self._frames = self._container.decode(self._stream)
                return Broken("a frame came that cannot be decoded", time.monotonic_ns())
            raise CameraError(f"{self._shown}: {_reason(error, began_s, READ_S)}") from error
        arrived_ns = time.monotonic_ns()
        if frame is None:
            raise CameraError(f"{self._shown}: the stream has ended")
        if frame.pts is None or frame.time_base is None:
            return Broken("a frame came without a time", arrived_ns)
        source_ns = round(frame.pts * frame.time_base * 1_000_000_000)
        dated = Dated(arrived_ns - self._delay_ns)
        if self._by_stream:
            dated = self._clock.date(source_ns, arrived_ns)
        fault = self._damage(frame, source_ns) or dated.fault
        if fault:
            return Broken(fault, dated.captured_ns)
        return Exposure(from_av(frame, self._pixels), dated.captured_ns, may_repeat="rows")

    def close(self) -> None:
        """Ends the stream."""
        self._container.close()

    def _damage(self, frame: VideoFrame, source_ns: int) -> str:
        """Why a frame shows something else than was there; the decoder itself makes up what is missing.

        A frame rests on those before it: after one that is damaged or missing, none is right until the next
        that is whole by itself, a key frame.
        """
        missing = (
            self._period_ns is not None and source_ns - self._last_ns > MISSING_PERIODS * self._period_ns
        )
        self._last_ns = source_ns
        if frame.is_corrupt:
            self._is_whole = False
        elif frame.key_frame:
            self._is_whole = True
        elif missing:
            self._is_whole = False
        return "" if self._is_whole else "it rests on a frame that is damaged or missing"

    def _video(self, settings: RtspSettings) -> Any:
        if not self._container.streams.video:
            raise ConfigError(f"{self._shown} has no picture")
        stream = self._container.streams.video[0]
        for asked, key, runs in (
            (settings.width_px, "width_px", stream.codec_context.width),
            (settings.height_px, "height_px", stream.codec_context.height),
        ):
            if asked is not None and asked != runs:
                raise ConfigError(f"{self._shown} has {key} {runs}, the station asks for {asked}")
        stream.thread_type = "NONE"
        return stream


def from_av(frame: VideoFrame, pixels: str) -> Image:
    """A decoded frame as (H, W, 1) "gray" or (H, W, 3) "rgb24"; 16–235 is stretched to 0–255.

    FFmpeg's scaler converts; its rounding may differ by one from exact arithmetic.
    """
    image = np.asarray(frame.to_ndarray(format=pixels), np.uint8)
    return image.reshape(frame.height, frame.width, -1)


def _options(settings: RtspSettings) -> dict[str, str]:
    return {
        "rtsp_transport": settings.transport,
        "allowed_media_types": "video",
        "fflags": "nobuffer",
        "flags": "low_delay",
        "max_delay": "0",
        "analyzeduration": str(PROBE_US),
    }


def _reason(error: Exception, began_s: float, limit_s: float) -> str:
    """FFmpeg has many names for what it breaks off: an exit, or data that are invalid, being cut."""
    if time.monotonic() - began_s > 0.9 * limit_s:
        return f"no answer within {limit_s:g} s"
    return without_password(getattr(error, "strerror", None) or str(error))


def _import_av() -> Any:
    try:
        import av
    except ImportError as error:
        raise CameraError("kind: rtsp needs PyAV; pip install 'taktsight[rtsp]'") from error
    return av
