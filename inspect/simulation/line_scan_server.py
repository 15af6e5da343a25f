"""A line-scan GigE Vision camera on this computer: blocks of an endless web, with an encoder's count.

Its control side is libaravis' fake camera with a description of our own (``line_scan_camera.xml``); the
blocks are sent by hand, because that camera has no chunk data. The belt runs as fast as it is told to.
"""

from __future__ import annotations

import ctypes as c
import socket
import struct
import threading
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np

from taktsight.errors import CameraError
from taktsight.inspect.cameras.aravis_library import load_aravis
from taktsight.inspect.cameras.pfnc import format_of
from taktsight.inspect.simulation.gige_server import DeviceTime, declare
from taktsight.inspect.simulation.gvsp import Chunk, SentFrame, StreamSender
from taktsight.inspect.simulation.loopback import bring_up
from taktsight.inspect.simulation.pixel_encoding import encode
from taktsight.records import Image

XML = Path(__file__).with_name("line_scan_camera.xml")
NOISE_PERIODS = 251, 241
"""Two rows of noise are added to each line; both are the same again after 60,491 lines."""
IDLE_S = 0.005
STAMP = struct.Struct("<Q")
"""Over a line's first pixels, if asked for: its number on the web."""

_WIDTH, _HEIGHT, _X, _Y, _FORMAT = 0x100, 0x104, 0x130, 0x134, 0x128
_SENSOR_WIDTH, _SENSOR_HEIGHT, _EXPOSURE, _USER_NAME = 0x11C, 0x118, 0x120, 0xE8
_CONTROL, _PORT, _PACKET_SIZE, _DESTINATION = 0xA00, 0xD00, 0xD04, 0xD18
_ACQUISITION, _LINE_RATE, _LINE_TRIGGER, _CHUNK_MODE, _CHUNK_ENABLE = 0x404, 0x408, 0x440, 0x460, 0x470
_CHUNKS = (0x1000, ">I"), (0x1001, ">Q"), (0x1002, ">Q")
"""Identifier and form of the encoder's value, the frame's number and its time."""

Web = Callable[[int, int], Image]
"""First line and how many → (lines, W, C) uint8, a copy, without noise."""

BlockFault = Literal["drop", "packets", "repeat", "twice", "late", "lines", "short"]
BLOCK_FAULTS: dict[BlockFault, str] = {
    "drop": "no packet of it is sent; its number is left out",
    "packets": "one packet of it is lost, and never sent again",
    "repeat": "the pixels of the block before, with its own number and count",
    "twice": "it is sent twice, the second time behind the next one",
    "late": "it is sent behind the next one",
    "lines": "three of its lines were not exposed: those behind them follow at once",
    "short": "two lines less than agreed",
}
"""What can be wrong with a block."""


@dataclass(slots=True)
class LineState:
    """What the camera and its belt do."""

    blocks: int = 0
    """Blocks exposed, whatever became of them."""
    line: int = 0
    """The line that is exposed next."""
    lines_per_s: float = 0
    forward: bool = True
    sending: bool = False


class LineScanServer:
    """One camera with its belt, until it is closed."""

    def __init__(
        self,
        address: str,
        serial: str,
        web: Web,
        size: tuple[int, int],
        *,
        lines_per_s: float,
        counts_per_line: int = 1,
        first_count: int = 0,
        user_name: str = "",
        device_time: DeviceTime | None = None,
        stamped: bool = False,
    ) -> None:
        """Begins to listen.

        Args:
            address: of 127.0.0.0/8; one camera each.
            serial: the camera's serial number.
            web: what runs by.
            size: width of the sensor and highest block, px.
            lines_per_s: how fast the belt runs.
            counts_per_line: of the encoder.
            first_count: what the encoder, which has 32 bits, shows at line 0.
            user_name: what the camera is called beside its serial number.
            device_time: what its blocks are stamped with.
            stamped: whether each line's number is written over its first 8 pixels.

        Raises:
            CameraError: If nothing can listen there.
        """
        self.state = LineState(lines_per_s=lines_per_s)
        self._web, self._size, self._stamped = web, size, stamped
        self._counts_per_line, self._first_count = counts_per_line, first_count
        self._time = device_time or DeviceTime()
        self._spoilt: dict[BlockFault, int] = {}
        self._held: SentFrame | None = None
        self._noise = LineNoise(web(0, 1).shape[1:])
        self._last = b""
        self._number = 0
        self._arv = arv = load_aravis()
        declare()
        bring_up(address)
        camera = arv.call(
            "arv_gv_fake_camera_new_full", address.encode(), serial.encode(), str(XML).encode()
        )
        if not arv.call("arv_gv_fake_camera_is_running", camera):
            arv.call("g_object_unref", camera)
            raise CameraError(f"no camera can listen on {address}: another one does, on UDP port 3956")
        self._camera: int = camera
        self._fake = arv.call("arv_gv_fake_camera_get_fake_camera", camera)
        self._set_up(user_name)
        self._sender = StreamSender(address)
        self._changed = threading.Lock()
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"lines-{serial}", daemon=True)
        self._thread.start()

    def obey(self, command: dict[str, Any]) -> dict[str, Any]:
        """``{"spoil": "drop", "count": 2}``, ``{"lines_per_s": 0}``, ``{"forward": false}``, ``{}``."""
        with self._changed:
            if "spoil" in command:
                self._spoilt[command["spoil"]] = command.get("count", 1)
            self.state.lines_per_s = float(command.get("lines_per_s", self.state.lines_per_s))
            self.state.forward = bool(command.get("forward", self.state.forward))
            return asdict(self.state)

    def close(self) -> None:
        """The camera is gone."""
        self._ending.set()
        self._thread.join()
        self._sender.close()
        self._arv.call("g_object_unref", self._camera)

    def _set_up(self, user_name: str) -> None:
        width, height = self._size
        for register, value in (
            (_SENSOR_WIDTH, width),
            (_SENSOR_HEIGHT, height),
            (_WIDTH, width),
            (_HEIGHT, height),
            (_EXPOSURE, 20),
            (0x400, 1),
            (_LINE_RATE, 1000),
            (0x424, 1),
            (0x444, 1),
        ):
            self._write(register, value)
        name = user_name.encode()[:15].ljust(16, b"\0")
        self._arv.call("arv_fake_camera_write_memory", self._fake, _USER_NAME, len(name), name)

    def _run(self) -> None:
        due_s = time.monotonic()
        while not self._ending.is_set():
            self.state.sending = bool(self._read(_ACQUISITION)) and bool(self._read(_CONTROL))
            rate = self._rate()
            if not self.state.sending or rate <= 0:
                if not self.state.sending:
                    self._number, self._held = 0, None
                due_s = time.monotonic()
                self._ending.wait(IDLE_S)
                continue
            height = self._read(_HEIGHT)
            block_s = height / rate
            began_ns = round(due_s * 1e9)
            due_s += block_s
            if (left_s := due_s - time.monotonic()) > 0 and self._ending.wait(left_s):
                return
            due_s = max(due_s, time.monotonic() - 10 * block_s)  # held up: some are made up for
            with self._changed:
                self._expose(began_ns, height)

    def _rate(self) -> float:
        """Lines a second: the encoder's, or those of the camera's clock. The belt runs as it is told to."""
        return self.state.lines_per_s if self._read(_LINE_TRIGGER) else float(self._read(_LINE_RATE))

    def _expose(self, began_ns: int, height: int) -> None:
        state = self.state
        skipped = 3 if self._is_spoilt("lines") else 0
        first = state.line if state.forward else state.line - height + 1
        image = self._web(first, height)
        count = self._first_count + state.line * self._counts_per_line
        if skipped:
            ahead = self._web(first + skipped, height)
            image[height // 2 :] = ahead[height // 2 :]
        image = self._noise.over(image)
        if self._stamped:
            self._stamp(image, first, skipped)
        seen = image if state.forward else image[::-1]
        state.line += height + skipped if state.forward else -height
        state.blocks += 1
        self._number += 1
        self._send(self._frame(np.ascontiguousarray(seen), count, began_ns))

    def _stamp(self, image: Image, first: int, skipped: int) -> None:
        numbers = np.arange(first, first + len(image), dtype="<i8")
        numbers[len(image) // 2 :] += skipped
        image[:, : STAMP.size, 0] = numbers.view(np.uint8).reshape(len(image), STAMP.size)

    def _frame(self, image: Image, count: int, began_ns: int) -> SentFrame:
        x, width = self._read(_X), self._read(_WIDTH)
        pixel_format = format_of(self._read(_FORMAT))
        pixels = encode(image[:, x : x + width], pixel_format)
        if self._is_spoilt("repeat"):
            pixels = self._last
        self._last, height = pixels, len(image)
        if self._is_spoilt("short"):
            height -= 2
            pixels = pixels[: pixel_format.frame_bytes(width, height)]
        device_ns = self._time.at(began_ns)
        values = count % (1 << 32), self._number, device_ns
        chunks = [
            Chunk(identifier, struct.pack(form, value))
            for place, ((identifier, form), value) in enumerate(zip(_CHUNKS, values, strict=True))
            if self._read(_CHUNK_MODE) and self._read(_CHUNK_ENABLE + 4 * place)
        ]
        return SentFrame(self._number, device_ns, pixel_format.code, width, height, pixels, chunks)

    def _send(self, frame: SentFrame) -> None:
        held, self._held = self._held, None
        if self._is_spoilt("twice"):
            self._send_now(frame)
            self._held = frame
        elif self._is_spoilt("late"):
            self._held = frame
        elif not self._is_spoilt("drop"):
            self._send_now(frame, skip=int(self._is_spoilt("packets")))
        if held is not None:
            self._send_now(held)

    def _send_now(self, frame: SentFrame, *, skip: int = 0) -> None:
        packet_size = self._read(_PACKET_SIZE) & 0xFFFF
        host = socket.inet_ntoa(struct.pack(">I", self._read(_DESTINATION)))
        self._sender.send(frame, packet_size, (host, self._read(_PORT) & 0xFFFF), skip=skip)

    def _is_spoilt(self, fault: BlockFault) -> bool:
        """Whether this block has the fault; one less to come, then."""
        left = self._spoilt.get(fault, 0)
        self._spoilt[fault] = max(0, left - 1)
        return left > 0

    def _read(self, register: int) -> int:
        value = c.c_uint32()
        self._arv.call("arv_fake_camera_read_register", self._fake, register, c.byref(value))
        return value.value

    def _write(self, register: int, value: int) -> None:
        self._arv.call("arv_fake_camera_write_register", self._fake, register, value)


class LineNoise:
    """Noise of its own for each line that is exposed, also of one that comes by again."""

    def __init__(self, shape: tuple[int, ...]) -> None:
        """Of lines of a shape (W, C). No two cameras are alike."""
        chance = np.random.default_rng()
        self._banks = [chance.integers(0, 4, (period, *shape), np.uint8) for period in NOISE_PERIODS]
        self._exposed = 0

    def over(self, image: Image) -> Image:
        """The lines (lines, W, C) as a sensor sees them this time."""
        numbers = np.arange(self._exposed, self._exposed + len(image))
        self._exposed += len(image)
        one, other = NOISE_PERIODS
        noise = self._banks[0][numbers % one] + self._banks[1][numbers // one % other]
        return np.asarray(np.minimum(image, 255 - noise) + noise, np.uint8)


def web_of(image: Image) -> Web:
    """An endless web that repeats one image (H, W, C)."""
    return lambda first, lines: image[np.arange(first, first + lines) % len(image)]
