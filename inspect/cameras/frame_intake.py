"""Frames on their way in: is each what was asked for, when was it exposed, which number has it."""

from __future__ import annotations

import threading
from collections.abc import Callable
from functools import partial

from taktsight.inspect.cameras.camera import Exposure
from taktsight.inspect.cameras.device_clock import DeviceClock, FrameCounter
from taktsight.inspect.cameras.gige_setup import Running
from taktsight.inspect.cameras.pixel_formats import decode_view
from taktsight.inspect.cameras.session import Received
from taktsight.inspect.cameras.stream import Broken, FrameSink, Undeveloped

EXPOSURE_TOLERANCE = 0.02
ARRIVAL_NS = 50_000_000
"""What the quickest of frames takes at most, beside its exposure and transfer."""


class FrameIntake:
    """Between a camera's receiver and the stream that parts take their frames from."""

    def __init__(self, stream: FrameSink, channels: int) -> None:
        self._stream, self._channels = stream, channels
        self._clock, self._counter = DeviceClock(0), FrameCounter()
        self._came = threading.Condition()
        self._seen = self._whole = 0
        self._is_serving = False
        self.fault = ""
        """What was wrong with the last frame that was not whole."""
        self.tell: Callable[[int, int], object] | None = None
        """Is given number and time of each frame that has a number, once it is in the stream."""

    def begin_anew(self, running: Running) -> None:
        """The camera was opened again: it may have been off, and counts time and frames from zero."""
        self._clock = DeviceClock(running.transfer_ns + ARRIVAL_NS)
        self._counter.begin_anew()
        self._is_serving = False

    def serve(self) -> None:
        """How the camera's clock goes is known: its frames are for parts from now on."""
        self._is_serving = True

    def note_time(self, device_ns: int, before_ns: int, after_ns: int) -> None:
        """The camera was asked for its time."""
        self._clock.note_answer(device_ns, before_ns, after_ns)

    def take_in(self, running: Running, received: Received) -> None:
        """A frame has come in. One that only tries the camera is for nobody."""
        fault = received.fault or _unlike(running, received)
        if received.device_ns is None:
            captured_ns = self._clock.guessed_ns(received.began_ns)
        else:
            captured_ns = self._clock.exposed_ns(received.device_ns, received.began_ns)
        if self._is_serving:
            self._hand_on(running, received, captured_ns, fault)
        with self._came:
            self.fault = fault or self.fault
            self._seen += 1
            self._whole += not fault
            self._came.notify_all()

    def _hand_on(self, running: Running, received: Received, captured_ns: int, fault: str) -> None:
        """It becomes an image once a part wants it."""
        counter = None if received.number is None else self._counter.count(received.number)
        if fault:
            self._stream.put(Broken(fault, captured_ns, counter))
        else:
            develop = partial(self._develop, running, received, captured_ns, counter)
            self._stream.put(Undeveloped(captured_ns, develop, counter, received.encoder_count))
        if self.tell is not None and counter is not None:
            self.tell(counter, captured_ns)

    def seen(self) -> tuple[int, int]:
        """How many frames have come in, and how many of them were whole."""
        with self._came:
            return self._seen, self._whole

    def wait_for_next(self, before: tuple[int, int], timeout_s: float) -> bool | None:
        """Whether the next frame after those is whole; None if none comes in time."""
        with self._came:
            if not self._came.wait_for(lambda: self._seen > before[0], timeout_s):
                return None
            return self._whole > before[1]

    def _develop(
        self, running: Running, received: Received, captured_ns: int, counter: int | None
    ) -> Exposure:
        width, height = running.width_px, running.height_px
        image = decode_view(
            received.data, width, height, running.pixel_format, self._channels, padding=received.padding
        )
        return Exposure(image, captured_ns, counter)


def _unlike(running: Running, received: Received) -> str:
    """What is not as it was asked for; "" where all is."""
    width, height, pixel_format = running.width_px, running.height_px, running.pixel_format
    if (received.width, received.height) != (width, height):
        return f"the frame has {received.width} x {received.height} px, not {width} x {height}"
    if received.format_code != pixel_format.code:
        return f"the frame has pixel format 0x{received.format_code:08X}, not {pixel_format.name}"
    if (came := len(received.data)) < running.frame_bytes:
        return f"the frame is short: {came} of {running.frame_bytes} bytes"
    said_us, set_us = received.exposure_us, running.exposure_us
    if said_us is not None and set_us is not None and abs(said_us - set_us) > set_us * EXPOSURE_TOLERANCE:
        return f"the frame was exposed for {said_us:g} µs, not {set_us:g}"
    return ""
