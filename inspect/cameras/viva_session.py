"""A GigE Vision or USB3 Vision camera that is open through viva-genicam: no system library is needed."""

from __future__ import annotations

import contextlib
import time
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

from taktsight.errors import CameraError, ConfigError
from taktsight.inspect.cameras.gige_clock import find_latch
from taktsight.inspect.cameras.gige_settings import GigeSettings, VivaSettings
from taktsight.inspect.cameras.gige_setup import carries_chunks, set_up
from taktsight.inspect.cameras.gvcp import answers
from taktsight.inspect.cameras.network import check_buffer, fitting_packet_size, is_address
from taktsight.inspect.cameras.session import Received
from taktsight.inspect.cameras.viva_features import INSTALL, VivaFeatures, asked, usb_cameras

if TYPE_CHECKING:
    from viva_genicam import Camera, Frame

ANSWER_S = 0.5
"""A camera that is there answers within that."""
DISCOVERY_MS = 500
TIMEOUT = "timeout"
"""Begins the library's words where a frame is merely not there yet."""
DENIED = "ACCESS_DENIED"
"""Stands in the library's words where somebody else controls the camera."""

LOST = "control of the camera was lost"
"""Stands there where it was ours."""


def open_viva(settings: VivaSettings, wait_s: float = 0.0) -> VivaSession:
    """Opens a camera, sets it up and starts it.

    Args:
        settings: as the station has them.
        wait_s: how long to wait for whoever controls the camera to let go of it. A line that was killed
            seems to control it until the camera has missed it for some seconds.

    Raises:
        ConfigError: If the camera cannot do what is asked for.
        CameraError: If it is not there, or somebody else controls it.
    """
    try:
        import viva_genicam
    except ImportError as error:
        raise CameraError(
            f"kind: viva needs viva-genicam, which is not installed here: {INSTALL}"
        ) from error
    until_s = time.monotonic() + wait_s
    while True:
        try:
            camera = _connected(settings.device)
            break
        except CameraError as error:
            if DENIED not in str(error) or time.monotonic() > until_s:
                raise
        time.sleep(0.2)
    address = settings.device if camera.transport == "gige" and is_address(settings.device) else None
    try:
        return VivaSession(camera, settings, address)
    except (CameraError, ConfigError):
        with contextlib.suppress(viva_genicam.GenicamError):  # what went wrong first is what counts
            camera.close()
        raise


def _connected(device: str) -> Camera:
    import viva_genicam

    if is_address(device) and not answers(device, ANSWER_S):
        raise CameraError(f"no camera answers at {device}; 'taktsight cameras' lists those that do")
    for gige in asked(lambda: viva_genicam.discover(DISCOVERY_MS, all=True)):
        if device in (gige.ip, gige.mac):
            return asked(partial(viva_genicam.connect_gige, gige))
    for usb in usb_cameras():
        if device == usb.serial:
            return asked(partial(viva_genicam.connect_u3v, usb))
    raise CameraError(
        f"there is no camera {device!r}: kind: viva knows GigE Vision cameras by their IP or MAC address "
        "and USB3 Vision cameras by their serial number; 'taktsight cameras' lists them"
    )


class VivaSession:
    """From the start of its frames to its end."""

    def __init__(self, camera: Camera, settings: GigeSettings, address: str | None) -> None:
        """Sets the camera up.

        Args:
            camera: connected.
            settings: as the station has them.
            address: where a GigE Vision camera can be asked for a sign of life.
        """
        self._camera, self.address = camera, address
        self._features = VivaFeatures(camera)
        self._is_gige = camera.transport == "gige"
        self._chunks, self._lines = settings.chunks, settings.line_scan
        self._carries_chunks = carries_chunks(settings)
        self._has_lost_control = False
        self.running = set_up(self._features, settings)
        self._ticks_per_s = self._frequency()
        self._latch = find_latch(self._features, self._ticks_per_s)
        packet_size = self._packet_size(settings.packet_size)
        self._stream = asked(lambda: camera.stream(packet_size=packet_size, deliver_incomplete=True))
        asked(self._stream.__enter__)
        if packet_size is not None and (runs := self._features.integer("GevSCPSPacketSize")) != packet_size:
            self.close()
            raise ConfigError(f"packet_size {packet_size} was asked for, the camera runs with {runs}")

    @property
    def in_control(self) -> bool:
        """Whether the camera still obeys us, by what it last said: to ask the library may take seconds."""
        return not self._has_lost_control

    def receive(self, wait_s: float) -> Received | None:
        """The next frame, or None if none came in time."""
        try:
            frame = asked(lambda: self._stream.next_frame(round(wait_s * 1000)))
        except CameraError as error:
            if str(error).startswith(TIMEOUT):
                return None
            raise
        if frame is None:
            raise CameraError("the camera library has ended the stream")
        return self._received(frame, time.monotonic_ns())

    def fire(self) -> None:
        """Makes it expose, once."""
        try:
            self._features.execute("TriggerSoftware")
        except CameraError as error:
            self._has_lost_control |= LOST in str(error)
            raise

    def ask_time(self) -> tuple[int, int, int] | None:
        """The camera's clock, and ours before and after it was read, ns; None where it cannot be asked."""
        return None if self._latch is None else self._latch.ask(self._features)

    def close(self) -> None:
        """Lets go of it."""
        for end in (lambda: self._stream.__exit__(None, None, None), self._camera.close):
            with contextlib.suppress(CameraError):  # it is gone, or has been let go of
                asked(end)

    def _received(self, frame: Frame, arrived_ns: int) -> Received:
        device_ns = None if frame.ts_dev is None else self._ns(frame.ts_dev)
        number = frame.block_id
        if not frame.is_complete:
            lost = f"{frame.missing_packets} packets" if frame.missing_packets else "packets"
            fault = f"the frame is incomplete: {lost} were lost"
            return Received(arrived_ns, arrived_ns, fault, device_ns, number)
        received = Received(arrived_ns, arrived_ns, "", device_ns, number)
        try:
            received = replace(received, **self._carried(frame))
        except CameraError as error:  # of this frame; the next one may carry it
            return replace(received, fault=f"the frame does not say what was asked for: {error}")
        return replace(
            received,
            data=asked(frame.payload),
            width=frame.width,
            height=frame.height,
            format_code=frame.pixel_format_code,
            padding=frame.padding_x,
        )

    def _carried(self, frame: Frame) -> dict[str, Any]:
        """What the frame says of itself beside its pixels."""
        said = asked(lambda: self._camera.chunk_features(frame)) if self._carries_chunks else {}
        carried: dict[str, Any] = {}
        counted = () if self._lines is None or self._lines.chunk is None else (self._lines.chunk,)
        for chunk in (*self._chunks, *counted):
            value = said.get(f"Chunk{chunk}")
            if not isinstance(value, str):
                raise CameraError(f"no {chunk}: {value}")
            if chunk in counted:
                carried["encoder_count"] = int(value)
            elif chunk == "Timestamp":
                carried["device_ns"] = self._ns(int(value))
            elif chunk == "FrameID":
                carried["number"] = int(value)
            else:
                carried["exposure_us"] = float(value)
        return carried

    def _packet_size(self, wanted: int | None) -> int | None:
        if self.address is None:
            return None
        check_buffer(self.running.payload_bytes)
        size = fitting_packet_size(self.address, wanted)
        highest = self._features.highest("GevSCPSPacketSize")
        return min(size, highest) if wanted is None else size

    def _frequency(self) -> int:
        if self._features.has("GevTimestampTickFrequency"):
            return self._features.integer("GevTimestampTickFrequency")
        return 0

    def _ns(self, ticks: int) -> int:
        return ticks * 1_000_000_000 // self._ticks_per_s if self._ticks_per_s else ticks
