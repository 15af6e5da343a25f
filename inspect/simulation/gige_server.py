"""A GigE Vision camera on this computer that shows our images: real packets, a real GenICam description.

It is libaravis' own fake camera with our images, our description (``gige_camera.xml``) and faults on
demand. Whatever speaks GigE Vision finds it, sets it up and receives its frames.
"""

from __future__ import annotations

import ctypes as c
import struct
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import numpy as np

from taktsight.errors import CameraError
from taktsight.inspect.cameras.aravis_library import load_aravis
from taktsight.inspect.cameras.pfnc import format_of
from taktsight.inspect.simulation.loopback import bring_up
from taktsight.inspect.simulation.pixel_encoding import encode
from taktsight.records import Image

XML = Path(__file__).with_name("gige_camera.xml")
LIT_US = 1000.0
"""With this exposure and without gain an image is sent as bright as it is."""
TRIGGER_POLL_HZ = 200.0
"""How often libaravis' camera looks whether it was triggered; it spins for the last millisecond."""
STAMP = struct.Struct("<QQ")
"""Over a frame's first pixels, if asked for: its number, and the monotonic time of its exposure, ns."""

_WIDTH, _HEIGHT, _X, _Y, _FORMAT = 0x100, 0x104, 0x130, 0x134, 0x128
_SENSOR_WIDTH, _SENSOR_HEIGHT = 0x11C, 0x118
_EXPOSURE, _TRIGGER_MODE, _SOURCE, _FIRE = 0x120, 0x300, 0x304, 0x30C
_ASKED_SOURCE, _SOFTWARE = 0x314, 1
_USER_NAME, _PACKET_SIZE = 0xE8, 0xD04
_FILL = c.CFUNCTYPE(None, c.c_void_p, c.c_void_p, c.c_uint32, c.c_uint32, c.c_uint32)

_ANOTHER = {
    format_of(one).code: format_of(other).code for one, other in (("Mono8", "BayerRG8"), ("RGB8", "BGR8"))
}

Scene = Callable[[int, int], Image]
"""Number of the exposure (from 0) and its monotonic time, ns → what the whole sensor sees."""


Fault = Literal["repeat", "torn", "short", "size", "format", "number"]
FAULTS: dict[Fault, str] = {
    "repeat": "the pixels of the exposure before",
    "torn": "the upper half new, the lower half that of the exposure before",
    "short": "fewer bytes than the frame has: its packets are larger than agreed, and cut off",
    "size": "its header says another height",
    "format": "its header says another pixel format",
    "number": "the number of the exposure before: whoever receives it has had it already",
}
"""What can be wrong with an exposure."""


@dataclass(slots=True)
class CameraState:
    """What the camera is set to, as it noticed at its last exposure."""

    exposures: int = 0
    exposure_us: int = 0
    gain_db: float = 0
    width: int = 0
    height: int = 0
    x: int = 0
    y: int = 0
    pixel_format: str = ""
    triggered: bool = False
    """Whether it waits for a trigger; else it runs free."""


@dataclass(slots=True)
class _Sent:
    number: int = 0
    pixels: bytes = b""


@dataclass(slots=True)
class DeviceTime:
    """The camera's own time: not that of the computer, and not quite as fast."""

    ahead_ns: int = 0
    drift_ppm: float = 0
    began_ns: int = field(default_factory=time.monotonic_ns)

    def at(self, monotonic_ns: int) -> int:
        """What it shows at a moment of the computer's."""
        passed_ns = monotonic_ns - self.began_ns
        return monotonic_ns + self.ahead_ns + round(passed_ns * self.drift_ppm / 1e6)


class GigeServer:
    """One camera, in a thread of the library's, until it is closed."""

    def __init__(
        self,
        address: str,
        serial: str,
        scene: Scene,
        size: tuple[int, int],
        *,
        user_name: str = "",
        device_time: DeviceTime | None = None,
        stamped: bool = False,
        trigger_poll_hz: float = TRIGGER_POLL_HZ,
    ) -> None:
        """Begins to listen.

        Args:
            address: of 127.0.0.0/8; one camera each.
            serial: the camera's serial number.
            scene: what it sees.
            size: (width, height) of the sensor, px.
            user_name: what the camera is called beside its serial number.
            device_time: what its frames are stamped with.
            stamped: whether number and time are written over a frame's first pixels.
            trigger_poll_hz: how often it looks for a trigger; more is punctual and takes more of a core.

        Raises:
            CameraError: If nothing can listen there.
        """
        self.state = CameraState()
        self._spoilt: dict[Fault, int] = {}
        self._lies: dict[int, int] = {}
        self._stall_s = 0.0
        self._scene, self._size, self._stamped = scene, size, stamped
        self._time = device_time or DeviceTime()
        self._last = _Sent()
        self._exposed = threading.Lock()
        self._arv = arv = load_aravis()
        declare()
        bring_up(address)
        camera = arv.call(
            "arv_gv_fake_camera_new_full", address.encode(), serial.encode(), str(XML).encode()
        )
        if not arv.call("arv_gv_fake_camera_is_running", camera):
            arv.call("g_object_unref", camera)
            raise CameraError(f"no camera can listen on {address}: another one does, on UDP port 3956")
        self._camera: int | None = camera
        self._fake = arv.call("arv_gv_fake_camera_get_fake_camera", camera)
        self._set_up(user_name, trigger_poll_hz)
        self._fill = _FILL(self._expose)  # kept: the library only has its address
        arv.call("arv_fake_camera_set_fill_pattern", self._fake, self._fill, None)

    def fire(self) -> None:
        """An edge on the line that a sensor is wired to; without effect unless the camera waits for it."""
        if self._read(_ASKED_SOURCE) != _SOFTWARE:
            self._write(_FIRE, 1)

    def lose_packets(self, ratio: float) -> None:
        """From now on, this share of all packets is never sent; the camera sends none again."""
        if self._camera is not None:
            self._arv.set_number(self._camera, "gvsp-lost-ratio", float(ratio))

    def spoil(self, fault: Fault, count: int = 1) -> None:
        """The next exposures have this fault."""
        with self._exposed:
            self._spoilt[fault] = count
            if fault == "size":
                self._lie(_HEIGHT, self._read(_HEIGHT) - 2)
            elif fault == "format":
                self._lie(_FORMAT, _ANOTHER.get(self._read(_FORMAT), format_of("Mono8").code))

    def stall(self, seconds: float) -> None:
        """At its next exposure the camera does nothing for so long, and hears nothing either."""
        self._stall_s = seconds

    def close(self) -> None:
        """The camera is gone."""
        camera, self._camera = self._camera, None
        if camera is not None:
            self._arv.call("g_object_unref", camera)

    def _set_up(self, user_name: str, trigger_poll_hz: float) -> None:
        width, height = self._size
        for register, value in (
            (_SENSOR_WIDTH, width),
            (_SENSOR_HEIGHT, height),
            (_WIDTH, width),
            (_HEIGHT, height),
            (_EXPOSURE, round(LIT_US)),
            (_SOURCE, _SOFTWARE),  # the only one it acts on: a wired trigger comes the same way
            (_ASKED_SOURCE, _SOFTWARE),
        ):
            self._write(register, value)
        name = user_name.encode()[:15].ljust(16, b"\0")
        self._arv.call("arv_fake_camera_write_memory", self._fake, _USER_NAME, len(name), name)
        self._arv.call("arv_fake_camera_set_trigger_frequency", self._fake, trigger_poll_hz)

    def _expose(self, buffer: int, _user: int, exposure_us: int, gain: int, _code: int) -> None:
        """Called by the library for each frame, when its header is filled in."""
        exposed_ns = time.monotonic_ns()
        stall_s, self._stall_s = self._stall_s, 0.0
        time.sleep(stall_s)
        with self._exposed:
            self._note(exposure_us, gain / 10)
            number = int(self._arv.call("arv_buffer_get_frame_id", buffer))
            pixels = self._pixels(number, exposed_ns)
            c.memmove(self._arv.call("arv_buffer_get_data", buffer, None), pixels, len(pixels))
            self._arv.call("arv_buffer_set_timestamp", buffer, self._time.at(exposed_ns))
            if self._is_spoilt("number"):
                self._arv.call("arv_buffer_set_frame_id", buffer, self._last.number)
            self._spoil_header()
            self._last = _Sent(number, pixels)
            self.state.exposures += 1

    def _note(self, exposure_us: int, gain_db: float) -> None:
        state = self.state
        state.exposure_us, state.gain_db = exposure_us, gain_db
        state.pixel_format = format_of(self._true(_FORMAT)).name
        state.width, state.height = self._true(_WIDTH), self._true(_HEIGHT)
        state.x, state.y = self._true(_X), self._true(_Y)
        state.triggered = bool(self._true(_TRIGGER_MODE))

    def _pixels(self, number: int, exposed_ns: int) -> bytes:
        if self._is_spoilt("repeat"):
            return self._last.pixels
        state = self.state
        image = self._scene(state.exposures, exposed_ns)
        seen = image[state.y : state.y + state.height, state.x : state.x + state.width]
        brightness = state.exposure_us / LIT_US * 10 ** (state.gain_db / 20)
        if brightness != 1:
            seen = np.clip(seen * brightness, 0, 255).astype(np.uint8)
        pixels = encode(seen, format_of(state.pixel_format))
        if self._is_spoilt("torn"):
            half = len(pixels) // 2
            pixels = pixels[:half] + self._last.pixels[half:]
        stamp = STAMP.pack(number, exposed_ns) if self._stamped else b""
        return stamp + pixels[len(stamp) :]

    def _is_spoilt(self, fault: Fault) -> bool:
        """Whether this exposure has the fault; one less to come, then."""
        left = self._spoilt.get(fault, 0)
        self._spoilt[fault] = max(0, left - 1)
        return left > 0

    def _spoil_header(self) -> None:
        """A header is read before its exposure, so the next one's; the packet size is this one's."""
        if not self._is_spoilt("size") or not self._spoilt["size"]:
            self._tell_the_truth(_HEIGHT)
        if not self._is_spoilt("format") or not self._spoilt["format"]:
            self._tell_the_truth(_FORMAT)
        self._tell_the_truth(_PACKET_SIZE)
        if self._is_spoilt("short"):
            self._lie(_PACKET_SIZE, self._read(_PACKET_SIZE) * 2)

    def _lie(self, register: int, value: int) -> None:
        self._lies.setdefault(register, self._read(register))
        self._write(register, value)

    def _tell_the_truth(self, register: int) -> None:
        if register in self._lies:
            self._write(register, self._lies.pop(register))

    def _true(self, register: int) -> int:
        return self._lies.get(register, self._read(register))

    def _read(self, register: int) -> int:
        value = c.c_uint32()
        self._arv.call("arv_fake_camera_read_register", self._fake, register, c.byref(value))
        return value.value

    def _write(self, register: int, value: int) -> None:
        self._arv.call("arv_fake_camera_write_register", self._fake, register, value)


def declare() -> None:
    """What libaravis has for cameras that are none."""
    arv, pointer, number = load_aravis(), c.c_void_p, c.c_uint32
    arv.declare("arv_gv_fake_camera_new_full", pointer, c.c_char_p, c.c_char_p, c.c_char_p)
    arv.declare("arv_gv_fake_camera_is_running", c.c_int, pointer)
    arv.declare("arv_gv_fake_camera_get_fake_camera", pointer, pointer)
    arv.declare("arv_fake_camera_read_register", c.c_int, pointer, number, pointer)
    arv.declare("arv_fake_camera_write_register", c.c_int, pointer, number, number)
    arv.declare("arv_fake_camera_write_memory", c.c_int, pointer, number, number, c.c_char_p)
    arv.declare("arv_fake_camera_set_trigger_frequency", None, pointer, c.c_double)
    arv.declare("arv_fake_camera_set_fill_pattern", None, pointer, _FILL, pointer)
