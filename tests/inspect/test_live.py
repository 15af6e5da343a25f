"""A live camera's thread: what parts get when a source is lost, hangs, lies or is late."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import numpy as np
import pytest

from taktsight.errors import CameraError, ConfigError, LineError
from taktsight.inspect.cameras import live, receiver
from taktsight.inspect.cameras.camera import Exposure
from taktsight.inspect.cameras.live import LiveCamera, triggered_camera
from taktsight.inspect.cameras.live_settings import LiveSettings
from taktsight.inspect.cameras.receiver import Frame
from taktsight.inspect.messages import Expose

from .grabbing import WITHIN_NS, closing, frames_of, grab, grab_until, is_frame

PERIOD_S = 0.02
SETTINGS = LiveSettings(name="top", expose_within_ms=200)


@dataclass
class Device:
    """A camera that tests switch off, hold up and mislead; several connections may be opened to it."""

    is_there: bool = True
    is_stuck: threading.Event = field(default_factory=threading.Event)
    height_px: int = 8
    counts: bool = True
    counter: int = 0
    triggers: queue.Queue[int] = field(default_factory=queue.Queue)
    loses: int = 0
    slow_s: float = 0.0
    open: int = 0
    opened: int = 0

    def connect(self) -> Connection:
        if not self.is_there:
            raise CameraError("it is unplugged")
        return Connection(self)


class Connection:
    """Sends a frame every 20 ms, or one for each trigger; its grey is the number of the frame."""

    def __init__(self, device: Device) -> None:
        self._device = device
        device.open += 1
        device.opened += 1

    def trigger(self) -> int:
        commanded_ns = time.monotonic_ns()
        self._device.counter += 1
        self._device.triggers.put(self._device.counter)
        return commanded_ns

    def receive(self, until_ns: int) -> Frame | None:
        device = self._device
        while device.is_stuck.is_set():
            time.sleep(0.005)
        if not device.is_there:
            raise CameraError("it was pulled out")
        time.sleep(PERIOD_S)
        device.counter += device.counts
        return self._frame(device.counter)

    def close(self) -> None:
        self._device.open -= 1

    def _frame(self, number: int) -> Exposure:
        image = np.full((self._device.height_px, 8, 1), number % 251, np.uint8)
        return Exposure(image, time.monotonic_ns(), number)


class TriggeredConnection(Connection):
    """Sends what was triggered, less what gets lost, and slowly where it is slow."""

    def receive(self, until_ns: int) -> Frame | None:
        device = self._device
        if not device.is_there:
            raise CameraError("it was pulled out")
        if device.loses and not device.triggers.empty():
            device.loses -= 1
            time.sleep(max(0, until_ns - time.monotonic_ns()) / 1e9)
            return None
        wait_s = max(0, until_ns - time.monotonic_ns()) / 1e9
        if device.slow_s and not device.triggers.empty():
            time.sleep(min(device.slow_s, wait_s))
            if device.slow_s > wait_s:
                return None
        try:
            return self._frame(device.triggers.get(timeout=wait_s))
        except queue.Empty:
            return None


class LateConnection(Connection):
    """Each frame is on its way for a while, and lost where the connection is closed meanwhile."""

    def __init__(self, device: Device) -> None:
        super().__init__(device)
        self._on_the_way: list[tuple[float, int]] = []

    def trigger(self) -> int:
        commanded_ns = super().trigger()
        number = self._device.triggers.get()
        self._on_the_way.append((time.monotonic() + self._device.slow_s, number))
        return commanded_ns

    def receive(self, until_ns: int) -> Frame | None:
        while True:
            if self._on_the_way and time.monotonic() >= self._on_the_way[0][0]:
                return self._frame(self._on_the_way.pop(0)[1])
            if time.monotonic_ns() >= until_ns:
                return None
            time.sleep(0.002)


@pytest.fixture
def device() -> Device:
    return Device()


@pytest.fixture
def camera(device: Device) -> Iterator[LiveCamera]:
    with closing(LiveCamera(SETTINGS, device.connect)) as camera:
        yield camera


@pytest.fixture
def triggered(device: Device) -> Iterator[LiveCamera]:
    with closing(triggered_camera(SETTINGS, lambda: TriggeredConnection(device))) as camera:
        yield camera


def wait_until(true: Callable[[], object]) -> None:
    until_s = time.monotonic() + 20
    while not true():
        assert time.monotonic() < until_s, "it did not happen"
        time.sleep(0.005)


def test_part_gets_the_first_frame_that_was_exposed_after_its_trigger(camera: LiveCamera) -> None:
    for trigger in range(1, 11):
        now_ns = time.monotonic_ns()
        frame = camera.grab(Expose(trigger, now_ns, now_ns + WITHIN_NS))
        assert now_ns <= frame.captured_ns <= now_ns + 200_000_000


def test_no_frame_is_given_twice(camera: LiveCamera) -> None:
    now_ns = time.monotonic_ns()
    frames = [camera.grab(Expose(trigger, now_ns, now_ns + WITHIN_NS)) for trigger in (1, 2, 3)]
    assert len({frame.counter for frame in frames}) == 3


def test_camera_that_is_not_there_is_named_when_it_is_opened() -> None:
    with pytest.raises(CameraError, match=r"^top: it is unplugged$"):
        LiveCamera(SETTINGS, Device(is_there=False).connect)


def test_driver_that_hangs_as_it_opens_keeps_the_line_waiting_for_so_long(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(live, "OPEN_S", 0.1)
    goes_on = threading.Event()

    def connect() -> Connection:
        goes_on.wait()
        raise CameraError("too late")

    with pytest.raises(CameraError, match=r"top: did not open within 0\.1 s: its driver hangs"):
        LiveCamera(SETTINGS, connect)
    goes_on.set()


def test_camera_that_cannot_what_it_is_asked_is_a_mistake_in_the_station() -> None:
    def connect() -> Connection:
        raise ConfigError("exposure_us is 4000, asked for 5000")

    with pytest.raises(ConfigError, match=r"^top: exposure_us is 4000"):
        LiveCamera(SETTINGS, connect)


def test_part_of_a_camera_that_is_gone_does_not_wait_for_its_deadline(
    device: Device, camera: LiveCamera
) -> None:
    grab_until(camera, is_frame)
    device.is_there = False
    grab_until(camera, lambda grabbed: "it was pulled out" in str(grabbed))
    began_s = time.monotonic()
    assert "top: " in str(grab(camera, within_ns=60_000_000_000))
    assert time.monotonic() - began_s < 30


def test_camera_comes_back_again_and_again_and_nothing_is_left_over(device: Device) -> None:
    before = threading.active_count()
    with closing(LiveCamera(SETTINGS, device.connect)) as camera:
        for _ in range(5):
            grab_until(camera, is_frame)
            device.is_there = False
            grab_until(camera, lambda grabbed: not is_frame(grabbed))
            device.is_there = True
        grab_until(camera, is_frame)
        assert device.opened >= 3
    assert device.open == 0
    assert threading.active_count() == before


def test_camera_that_falls_silent_is_noticed_though_its_driver_waits(
    device: Device, camera: LiveCamera
) -> None:
    grab_until(camera, is_frame)
    device.is_stuck.set()
    grab_until(camera, lambda grabbed: "sends nothing any more" in str(grabbed))
    device.is_stuck.clear()
    grab_until(camera, is_frame)


def test_driver_that_hangs_is_left_behind_and_the_camera_opened_beside_it(
    device: Device, camera: LiveCamera, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live, "STUCK_NS", 300_000_000)
    grab_until(camera, is_frame)
    stuck, device.is_stuck = device.is_stuck, threading.Event()
    stuck.set()
    hanging = Connection.receive

    def receive(self: Connection, until_ns: int) -> Frame | None:
        while stuck.is_set() and self is first:
            time.sleep(0.005)
        return hanging(self, until_ns)

    first = _connection_of(camera)
    monkeypatch.setattr(Connection, "receive", receive)
    grab_until(camera, lambda grabbed: not is_frame(grabbed))
    grab_until(camera, is_frame)
    assert device.open == 2
    stuck.clear()
    wait_until(lambda: device.open == 1)


def _connection_of(camera: LiveCamera) -> Connection:
    frames = [frame for thread in threading.enumerate() for frame in (getattr(thread, "_args", ()) or ())]
    return next(each for each in frames if isinstance(each, Connection))


def test_driver_that_never_answers_ends_the_process(
    device: Device, camera: LiveCamera, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live, "STUCK_NS", 100_000_000)
    monkeypatch.setattr(live, "GIVEN_UP_NS", 500_000_000)
    grab_until(camera, is_frame)
    device.is_stuck.set()
    with pytest.raises(LineError, match="never will; vision ends"):
        grab_until(camera, lambda _: False)
    device.is_stuck.clear()


def test_frame_of_another_size_is_none(device: Device, camera: LiveCamera) -> None:
    grab_until(camera, is_frame)
    device.height_px = 4
    grab_until(camera, lambda grabbed: "8 × 4 px came; the camera began with 8 × 8 px" in str(grabbed))
    device.height_px = 8
    grab_until(camera, is_frame)


def test_camera_that_repeats_itself_gives_no_frame(device: Device, camera: LiveCamera) -> None:
    grab_until(camera, is_frame)
    device.counts = False
    grab_until(camera, lambda grabbed: "the same frame came again" in str(grabbed))
    assert frames_of([grab(camera, trigger) for trigger in range(1, 6)]) == []
    device.counts = True
    grab_until(camera, is_frame)


def test_each_trigger_gives_the_part_its_own_frame(device: Device, triggered: LiveCamera) -> None:
    for trigger in range(1, 21):
        now_ns = time.monotonic_ns()
        frame = triggered.grab(Expose(trigger, now_ns, now_ns + WITHIN_NS))
        assert frame.counter == trigger
        assert frame.captured_ns >= now_ns


def test_frame_that_comes_too_late_for_its_part_is_not_the_next_ones(
    device: Device, triggered: LiveCamera, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(receiver, "RETRY_S", 0.01)
    assert is_frame(grab(triggered))
    device.slow_s = 0.3
    assert "no frame came" in str(grab(triggered, within_ns=100_000_000))
    device.slow_s = 0.0
    back = frames_of(grab_until(triggered, is_frame))[-1]
    assert back.counter == device.counter, "the late frame was given to another part"


def test_frame_that_is_still_on_its_way_when_the_next_part_comes_is_not_the_next_ones(
    device: Device, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(receiver, "RETRY_S", 0.01)
    with closing(triggered_camera(SETTINGS, lambda: LateConnection(device))) as camera:
        assert is_frame(grab(camera))
        device.slow_s = 0.3
        for part in range(3):
            grab(camera, part, within_ns=100_000_000)
            device.slow_s = 0.0 if part == 2 else 0.3
            later = grab(camera, part, within_ns=2_000_000_000)
            if is_frame(later):
                assert frames_of([later])[0].counter == device.counter, "it is the frame of another part"
        assert frames_of(grab_until(camera, is_frame))[-1].counter == device.counter


def test_camera_is_not_triggered_for_a_part_that_is_over(device: Device, triggered: LiveCamera) -> None:
    long_ago_ns = time.monotonic_ns() - 1_000_000_000
    with pytest.raises(CameraError, match="too late for this part"):
        triggered.grab(Expose(1, long_ago_ns, long_ago_ns + 5_000_000_000))
    assert device.counter == 0


def test_frame_that_nobody_asked_for_has_the_camera_opened_anew(
    device: Device, triggered: LiveCamera
) -> None:
    assert is_frame(grab(triggered))
    device.triggers.put(0)
    wait_until(lambda: device.opened == 2)
    assert device.open <= 1
    grab_until(triggered, is_frame)
