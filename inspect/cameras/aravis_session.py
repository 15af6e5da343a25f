"""A GigE Vision or USB3 Vision camera that is open through libaravis."""

from __future__ import annotations

import contextlib
import ctypes as c
import time
from dataclasses import replace
from typing import Any

from taktsight.errors import CameraError, ConfigError
from taktsight.inspect.cameras.aravis_buffers import AravisBuffers
from taktsight.inspect.cameras.aravis_features import AravisFeatures
from taktsight.inspect.cameras.aravis_library import CONTROL_LOST, Aravis, load_aravis
from taktsight.inspect.cameras.gige_clock import find_latch
from taktsight.inspect.cameras.gige_settings import AravisSettings, GigeSettings
from taktsight.inspect.cameras.gige_setup import carries_chunks, set_up
from taktsight.inspect.cameras.gvcp import answers
from taktsight.inspect.cameras.network import (
    SOCKET_BYTES,
    check_buffer,
    fitting_packet_size,
    is_address,
    is_loopback,
)
from taktsight.inspect.cameras.session import Received
from taktsight.inspect.cameras.wall_clock import WallClock

ANSWER_S = 0.5
"""A camera that is there answers within that."""
NO_PACKET_SOCKET = 1
NEVER_ADJUST = 0
SUCCESS = 0
CAPABILITIES, CAN_RESEND = 0x0934, 1 << 2
RESENT_WITHIN_US, RETAINED_US = 80_000, 30_000
"""A lost packet is asked for every 20 ms. A part with a broken frame shall hear so while there is time."""
LONGEST_NS = 2_000_000_000
"""No frame takes longer to come in."""
FAULTS = {
    1: "the frame was cleared",
    2: "the frame is incomplete: packets were lost, and it was waited for them in vain",
    3: "the frame is incomplete: packets were lost",
    4: "the frame is damaged: a packet has a wrong number",
    5: "the frame does not fit the size that was agreed",
    7: "the frame was broken off",
}


def open_aravis(settings: AravisSettings, wait_s: float = 0.0) -> AravisSession:
    """Opens a camera, sets it up and starts it.

    Args:
        settings: as the station has them.
        wait_s: how long to wait for whoever controls the camera to let go of it. A line that was killed
            seems to control it until the camera has missed it for some seconds.

    Raises:
        ConfigError: If the camera cannot do what is asked for.
        CameraError: If it is not there, or somebody else controls it.
    """
    arv = load_aravis()
    device = settings.device
    if is_address(device) and not answers(device, ANSWER_S):
        raise CameraError(f"no camera answers at {device}; 'taktsight cameras' lists those that do")
    until_s = time.monotonic() + wait_s
    while True:
        camera = arv.call("arv_camera_new", _known_as(arv, device).encode())
        if not camera:
            raise CameraError(f"there is no camera {device!r}; 'taktsight cameras' lists those that are")
        if _is_ours(arv, camera):
            break
        arv.call("g_object_unref", camera)
        if time.monotonic() > until_s:
            raise CameraError("another application controls it; end that one, or wait some seconds")
        time.sleep(0.2)
    try:
        return AravisSession(arv, camera, settings)
    except (CameraError, ConfigError):
        arv.call("g_object_unref", camera)
        raise


def _known_as(arv: Aravis, device: str) -> str:
    """The name by which the library opens a camera, of its address, serial number or given name."""
    if is_address(device):
        return device
    arv.call("arv_update_device_list")
    for place in range(arv.call("arv_get_n_devices")):
        if arv.call("arv_get_device_serial_nbr", place) == device.encode():
            return str(arv.call("arv_get_device_id", place), "utf-8", "replace")
    return device


def _is_ours(arv: Aravis, camera: int) -> bool:
    if not arv.call("arv_camera_is_gv_device", camera):
        return True
    return bool(arv.call("arv_gv_device_is_controller", arv.call("arv_camera_get_device", camera)))


class AravisSession:
    """From the start of its frames to its end."""

    def __init__(self, arv: Aravis, camera: int, settings: GigeSettings) -> None:
        self._arv, self._camera = arv, camera
        self._device = arv.call("arv_camera_get_device", camera)
        self._features = AravisFeatures(arv, self._device)
        self._is_gige = bool(arv.call("arv_camera_is_gv_device", camera))
        self._wall = WallClock(LONGEST_NS)
        self._is_unplugged = False
        self._unplugged = CONTROL_LOST(self._note_unplugged)  # kept: the library only has its address
        self._chunks, self._lines = settings.chunks, settings.line_scan
        self.address = self._address() if self._is_gige else None
        self.running = set_up(self._features, settings)
        self._ticks_per_s = self._frequency() if self._is_gige else 0
        self._latch = find_latch(self._features, self._ticks_per_s)
        retention_us = self._retention_us() if self._is_gige else 0
        if self.address is not None:
            self._set_network(self.address, settings.packet_size)
        self._stream = arv.call("arv_camera_create_stream", camera, None, None)
        if self._is_gige:
            arv.set_number(self._stream, "socket-buffer-size", SOCKET_BYTES)
            arv.set_number(self._stream, "frame-retention", retention_us)
        self._parser = (
            arv.call("arv_camera_create_chunk_parser", camera) if carries_chunks(settings) else None
        )
        self._buffers = AravisBuffers(arv, self._stream, settings.buffers, self.running.payload_bytes)
        try:
            self._features.execute("AcquisitionStart")
        except CameraError:
            self._end_stream()
            raise
        if not self._is_gige:
            arv.call("g_signal_connect_data", self._device, b"control-lost", self._unplugged, None, None, 0)

    @property
    def in_control(self) -> bool:
        """Whether the camera still obeys us, as far as the library knows."""
        if self._is_gige:
            return bool(self._arv.call("arv_gv_device_is_controller", self._device))
        return not self._is_unplugged

    def receive(self, wait_s: float) -> Received | None:
        """The next frame, or None if none came in time."""
        self._buffers.put_back_returned()
        buffer = self._arv.call("arv_stream_timeout_pop_buffer", self._stream, round(wait_s * 1e6))
        if not buffer:
            self._wall.look(time.time_ns(), time.monotonic_ns())
            return None
        arrived_ns, age_ns = time.monotonic_ns(), self._age_ns(buffer)
        began_ns = arrived_ns - age_ns
        status = self._arv.call("arv_buffer_get_status", buffer)
        device_ns = self._arv.call("arv_buffer_get_timestamp", buffer) or None
        number = self._arv.call("arv_buffer_get_frame_id", buffer)
        counted = number if number or not self._is_gige else None
        if status != SUCCESS or not self._arv.call("arv_buffer_get_n_parts", buffer):
            self._buffers.put_back(buffer)
            fault = FAULTS.get(status, f"the frame shows no image (status {status})")
            return Received(arrived_ns, began_ns, fault, device_ns, counted)
        return self._whole(buffer, Received(arrived_ns, began_ns, "", device_ns, counted))

    def fire(self) -> None:
        """Makes it expose, once."""
        self._features.execute("TriggerSoftware")

    def ask_time(self) -> tuple[int, int, int] | None:
        """The camera's clock, and ours before and after it was read, ns; None where it cannot be asked."""
        return None if self._latch is None else self._latch.ask(self._features)

    def close(self) -> None:
        """Lets go of it."""
        if self.in_control:
            with contextlib.suppress(CameraError):  # it is gone, or stopped with the end of our control
                self._features.execute("AcquisitionStop")
        self._end_stream()
        self._arv.call("g_object_unref", self._camera)

    def _age_ns(self, buffer: int) -> int:
        """How long ago its first packet came. The library has it on the wall clock, which may be set."""
        noted_ns = int(self._arv.call("arv_buffer_get_system_timestamp", buffer))
        return self._wall.age_ns(noted_ns, time.time_ns(), time.monotonic_ns())

    def _whole(self, buffer: int, received: Received) -> Received:
        arv, padding = self._arv, c.c_int()
        arv.call("arv_buffer_get_image_padding", buffer, c.byref(padding), None)
        try:
            carried = self._carried(buffer)
        except CameraError as error:  # of this frame; the next one may carry it
            self._buffers.put_back(buffer)
            return replace(received, fault=f"the frame does not say what was asked for: {error}")
        return replace(
            received,
            width=arv.call("arv_buffer_get_image_width", buffer),
            height=arv.call("arv_buffer_get_image_height", buffer),
            format_code=arv.call("arv_buffer_get_image_pixel_format", buffer),
            padding=padding.value,
            data=self._buffers.lend(buffer),
            **carried,
        )

    def _carried(self, buffer: int) -> dict[str, Any]:
        """What the frame says of itself beside its pixels."""
        said: dict[str, Any] = {}
        if "Timestamp" in self._chunks:
            ticks = self._chunk("integer", buffer, b"ChunkTimestamp")
            said["device_ns"] = ticks * 1_000_000_000 // self._ticks_per_s if self._ticks_per_s else ticks
        if "FrameID" in self._chunks:
            said["number"] = self._chunk("integer", buffer, b"ChunkFrameID")
        if "ExposureTime" in self._chunks:
            said["exposure_us"] = self._chunk("float", buffer, b"ChunkExposureTime")
        if self._lines is not None and self._lines.chunk is not None:
            said["encoder_count"] = self._chunk("integer", buffer, f"Chunk{self._lines.chunk}".encode())
        return said

    def _chunk(self, kind: str, buffer: int, name: bytes) -> Any:
        return self._arv.call(f"arv_chunk_parser_get_{kind}_value", self._parser, buffer, name)

    def _end_stream(self) -> None:
        self._arv.call("g_object_unref", self._stream)
        self._buffers.close()
        if self._parser:
            self._arv.call("g_object_unref", self._parser)

    def _set_network(self, address: str, asked: int | None) -> None:
        """Packets as large as the network takes, and room for those that come while nobody reads."""
        arv, features = self._arv, self._features
        arv.call("arv_camera_gv_set_packet_size_adjustment", self._camera, NEVER_ADJUST)
        if is_loopback(address):  # a packet socket, which root would get, sees nothing there
            arv.call("arv_camera_gv_set_stream_options", self._camera, NO_PACKET_SOCKET)
        size = fitting_packet_size(address, asked)
        if asked is None and features.has("GevSCPSFireTestPacket"):
            arv.call("arv_camera_gv_auto_packet_size", self._camera)
        else:
            size = min(size, features.highest("GevSCPSPacketSize")) if asked is None else size
            features.set_integer("GevSCPSPacketSize", size)
            if (runs := features.integer("GevSCPSPacketSize")) != size:
                raise ConfigError(f"packet_size {size} was asked for, the camera runs with {runs}")
        check_buffer(self.running.payload_bytes)

    def _retention_us(self) -> int:
        """How long the rest of a frame is waited for: shorter where no packet is sent again."""
        capabilities = c.c_uint32()
        self._arv.call("arv_device_read_register", self._device, CAPABILITIES, c.byref(capabilities))
        return RESENT_WITHIN_US if capabilities.value & CAN_RESEND else RETAINED_US

    def _frequency(self) -> int:
        return int(self._arv.call("arv_gv_device_get_timestamp_tick_frequency", self._device))

    def _address(self) -> str:
        end = self._arv.call("arv_gv_device_get_device_address", self._device)
        text = self._arv.call(
            "g_inet_address_to_string", self._arv.call("g_inet_socket_address_get_address", end)
        )
        try:
            return c.string_at(text).decode("ascii")
        finally:
            self._arv.call("g_free", text)

    def _note_unplugged(self, _device: int, _nothing: int) -> None:
        self._is_unplugged = True
