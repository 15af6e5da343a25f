"""Frames on their way from a camera to the parts: from when on they are for parts at all."""

from __future__ import annotations

import pytest

from taktsight.errors import CameraError
from taktsight.inspect.cameras.frame_intake import FrameIntake
from taktsight.inspect.cameras.gige_setup import Running
from taktsight.inspect.cameras.pfnc import format_of
from taktsight.inspect.cameras.session import Received
from taktsight.inspect.cameras.stream import FrameStream

RUNNING = Running(4, 2, format_of("Mono8"), 1000.0, 8)
NEVER_NS = 1 << 62


def frame(number: int, at_ns: int) -> Received:
    code = RUNNING.pixel_format.code
    return Received(at_ns, at_ns, "", None, number, bytes(8), 4, 2, code)


def test_frames_that_only_try_the_camera_are_seen_and_given_to_nobody() -> None:
    stream = FrameStream("top")
    stream.lose("it is opened anew")
    intake = FrameIntake(stream, 1)
    told: list[int] = []
    intake.tell = lambda counter, _captured_ns: told.append(counter)
    intake.begin_anew(RUNNING)
    for number in range(1, 6):
        intake.take_in(RUNNING, frame(number, 100 * number))
    assert intake.seen() == (5, 5)
    assert told == []
    assert stream.lost == "it is opened anew"
    with pytest.raises(CameraError, match="opened anew"):
        stream.take(0, NEVER_NS, 0)
    intake.serve()
    intake.take_in(RUNNING, frame(6, 600))
    assert stream.take(0, NEVER_NS, 0).image.shape == (2, 4, 1)
    assert len(told) == 1


def test_camera_that_is_opened_again_has_lost_a_frame_whatever_it_was_tried_with() -> None:
    stream = FrameStream("top")
    intake = FrameIntake(stream, 1)
    for session in range(2):
        intake.begin_anew(RUNNING)
        for number in range(1, 6):
            intake.take_in(RUNNING, frame(number, 100 * number))
        intake.serve()
        intake.take_in(RUNNING, frame(6, 1000 + session))
        assert stream.take(0, NEVER_NS, 0).lost_frames == session
