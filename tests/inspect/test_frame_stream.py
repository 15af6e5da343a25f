"""Frames go to parts by the time of their exposure, whatever is lost between them."""

from __future__ import annotations

import threading
import time

import numpy as np
import pytest

from taktsight.errors import CameraError
from taktsight.inspect.cameras.camera import Exposure
from taktsight.inspect.cameras.stream import Broken, FrameStream, Undeveloped

AT_ONCE = 0
LONG_NS = 60_000_000_000


def frame(captured_ns: int) -> Exposure:
    return Exposure(np.full((2, 2, 1), captured_ns % 256, np.uint8), captured_ns)


def take(stream: FrameStream, not_before_ns: int, not_after_ns: int, wait_ns: int = AT_ONCE) -> int:
    return stream.take(not_before_ns, not_after_ns, time.monotonic_ns() + wait_ns).captured_ns


@pytest.fixture
def stream() -> FrameStream:
    return FrameStream("top", room=4)


def test_part_gets_the_frame_of_its_own_time(stream: FrameStream) -> None:
    for captured_ns in (100, 200, 300):
        stream.put(frame(captured_ns))
    assert [take(stream, start, start + 50) for start in (90, 190, 290)] == [100, 200, 300]
    assert stream.strays == 0


def test_frame_behind_a_lost_one_is_not_given_to_the_part_that_lost_it(stream: FrameStream) -> None:
    stream.put(frame(100))
    stream.put(frame(300))  # that of 200 was lost
    assert take(stream, 90, 150) == 100
    with pytest.raises(CameraError, match="top: no frame; the next was exposed 0 ms after the trigger"):
        take(stream, 190, 250)
    assert take(stream, 290, 350) == 300


def test_number_that_no_camera_counts_to_is_no_gap(stream: FrameStream) -> None:
    """What some drivers say of a damaged frame; the meters of the line hold 64 bits."""
    for captured_ns, counter in ((100, 1), (200, 2**64 - 1), (300, 2), (400, 4)):
        stream.put(Exposure(np.zeros((2, 2, 1), np.uint8), captured_ns, counter))
    lost = [stream.take(start, start + 50, time.monotonic_ns()).lost_frames for start in (90, 390)]
    assert sum(lost) == 1


def test_frame_of_the_part_before_is_dropped_and_counted(stream: FrameStream) -> None:
    stream.put(frame(100))
    stream.put(frame(200))
    assert take(stream, 190, 250) == 200
    assert stream.strays == 1


def test_frames_that_nobody_wants_make_room_for_new_ones(stream: FrameStream) -> None:
    for captured_ns in range(100, 1100, 100):
        stream.put(frame(captured_ns))
    assert stream.strays == 6
    assert take(stream, 0, 2000) == 700


def test_nothing_in_time_is_a_fault(stream: FrameStream) -> None:
    with pytest.raises(CameraError, match="top: no frame came in time"):
        take(stream, 0, 100)


def test_broken_frame_is_the_fault_of_its_own_part_alone(stream: FrameStream) -> None:
    stream.put(Broken("the frame is incomplete", 100))
    stream.put(frame(200))
    with pytest.raises(CameraError, match="top: the frame is incomplete"):
        take(stream, 90, 150)
    assert take(stream, 190, 250) == 200


def test_frame_is_developed_once_and_only_if_a_part_wants_it(stream: FrameStream) -> None:
    developed = []

    def develop(captured_ns: int) -> Exposure:
        developed.append(captured_ns)
        return frame(captured_ns)

    for captured_ns in (100, 200):
        stream.put(Undeveloped(captured_ns, lambda captured_ns=captured_ns: develop(captured_ns)))  # type: ignore[misc]
    assert take(stream, 190, 250) == 200
    assert developed == [200]


def test_frame_that_cannot_be_developed_is_a_fault_of_its_camera(stream: FrameStream) -> None:
    def develop() -> Exposure:
        raise CameraError("a pixel is 4096")

    stream.put(Undeveloped(100, develop))
    with pytest.raises(CameraError, match="top: a pixel is 4096"):
        take(stream, 90, 150)


def test_whoever_waits_hears_at_once_that_the_camera_is_gone(stream: FrameStream) -> None:
    threading.Timer(0.05, stream.lose, ("the cable is out",)).start()
    with pytest.raises(CameraError, match="top: the cable is out"):
        take(stream, 0, LONG_NS, LONG_NS)
    with pytest.raises(CameraError, match="top: the cable is out"):
        take(stream, 0, LONG_NS, LONG_NS)


def test_whole_frame_is_taken_though_the_camera_is_gone_since(stream: FrameStream) -> None:
    stream.put(frame(100))
    stream.lose("the cable is out")
    assert take(stream, 90, 150) == 100


def test_next_frame_or_a_sign_of_life_says_that_the_camera_is_back(stream: FrameStream) -> None:
    stream.lose("the cable is out")
    assert stream.lost == "the cable is out"
    stream.put(frame(100))
    assert take(stream, 90, 150) == 100
    stream.lose("the cable is out")
    stream.regain()
    with pytest.raises(CameraError, match="no frame came in time"):
        take(stream, 0, 100)


def test_frame_that_comes_while_somebody_waits_is_taken(stream: FrameStream) -> None:
    threading.Timer(0.05, stream.put, (frame(100),)).start()
    assert take(stream, 90, 150, LONG_NS) == 100
