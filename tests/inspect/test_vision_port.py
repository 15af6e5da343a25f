"""The line's side of vision alone: when it stops to start vision again."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import cast

import pytest

from taktsight.errors import LineError
from taktsight.inspect.children import MAX_RESTARTS, RESTART_WINDOW_NS, Child, RestartLimit
from taktsight.inspect.config import load_station
from taktsight.inspect.messages import Message, Result, StartVision, VisionReady
from taktsight.inspect.vision_port import START_LIMIT_NS, VisionPort
from taktsight.records import Outcome, Verdict

from .place import Place

READY = VisionReady("b" * 64, "r" * 64, {}, ("spot",), None)
SEEN = Result(1, Verdict(Outcome.PASS))
BROKEN = Result(2, Verdict(Outcome.UNINSPECTED, ("the engine failed",)))


class FakeVision:
    """In the place of the process and its channel: it says what the test has it say."""

    def __init__(self) -> None:
        self.channel = self
        self.told: list[Message] = []
        self.says: list[Message] = []
        self._restarts = RestartLimit("vision")

    def try_send(self, message: Message) -> bool:
        self.told.append(message)
        return True

    def receive_all(self) -> tuple[list[Message], bool]:
        says, self.says = self.says, []
        return says, True

    def restart(self, now_ns: int) -> None:
        self._restarts.count(now_ns)


class Watched:
    """A port with a clock, that starts its fake vision."""

    def __init__(self, start: StartVision) -> None:
        self.vision = FakeVision()
        self.port = VisionPort(cast(Child, self.vision), 1_000)
        self.now_ns = 0
        self.port.start(start, self.now_ns)

    def says(self, *messages: Message) -> None:
        self.vision.says = list(messages)
        self.port.receive()

    def hangs(self) -> None:
        """Until the line gives it up, and starts it anew."""
        gives_up_ns = self.port.gives_up_ns()
        assert gives_up_ns is not None
        self.now_ns = gives_up_ns
        self.port.hung()
        self.port.restart(self.now_ns)

    def ends(self, after_ns: int) -> None:
        self.now_ns += after_ns
        self.port.restart(self.now_ns)


@pytest.fixture
def watched(place: Place) -> Watched:
    return Watched(StartVision(load_station(place.write()), date(2026, 7, 1), place.records))


def test_second_start_in_a_row_that_hangs_is_the_last(watched: Watched) -> None:
    watched.hangs()
    with pytest.raises(LineError, match=r"120 s after its start, 2 times .*taktsight engine --station"):
        watched.hangs()
    assert watched.now_ns == 2 * START_LIMIT_NS


def test_start_that_crashes_between_two_that_hang_is_no_comfort(watched: Watched) -> None:
    watched.hangs()
    watched.ends(RESTART_WINDOW_NS)
    with pytest.raises(LineError, match="2 times in a row"):
        watched.hangs()


def test_vision_that_was_ready_in_between_may_hang_again(watched: Watched) -> None:
    for _ in range(MAX_RESTARTS):
        watched.hangs()
        watched.says(READY, SEEN)
        watched.ends(RESTART_WINDOW_NS)


def test_vision_that_judges_nothing_is_given_up_however_slowly_it_ends(watched: Watched) -> None:
    for _ in range(MAX_RESTARTS):
        watched.says(READY, BROKEN)
        watched.ends(RESTART_WINDOW_NS)
    with pytest.raises(LineError, match="vision ended 6 times and judged no part in between"):
        watched.ends(RESTART_WINDOW_NS)


def test_vision_that_judges_parts_may_end_now_and_then(watched: Watched) -> None:
    for _ in range(3 * MAX_RESTARTS):
        watched.says(READY, SEEN, BROKEN)
        watched.ends(RESTART_WINDOW_NS)


def test_version_is_remembered_by_a_vision_that_came_back_too(watched: Watched, place: Place) -> None:
    watched.ends(1)
    watched.says(READY)
    watched.ends(1)  # after its first part, so perhaps before that was remembered
    assert [_versions(message) for message in watched.vision.told] == [place.records] * 3


def _versions(message: Message) -> Path | None:
    assert isinstance(message, StartVision)
    return message.versions
