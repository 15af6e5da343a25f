"""A recorder that hangs while it opens the ledger: the line says so and does not wait for ever."""

from __future__ import annotations

import os
import selectors
import time
from pathlib import Path
from typing import cast

from taktsight.errors import TaktsightError
from taktsight.inspect.channel import Channel
from taktsight.inspect.children import Child
from taktsight.inspect.messages import ImageRules, RecorderReady, StartRecorder
from taktsight.inspect.meters import Meters, size_meters
from taktsight.inspect.recorder_port import START_LIMIT_NS, RecorderPort
from taktsight.inspect.recorder_side import RecorderSide

START = StartRecorder("run", Path("records"), ImageRules((), 0, 1, 1, 0))


class Started:
    """A port whose process only says what the test has it say."""

    def __init__(self) -> None:
        self.channel, self.theirs = Channel.pair()
        self.failures: list[TaktsightError] = []
        descriptor = os.memfd_create("meters")
        size_meters(descriptor)
        self.port = RecorderPort(cast(Child, self))
        self.selector = selectors.SelectSelector()
        self.side = RecorderSide(self.port, Meters(descriptor), self.selector, self.failures.append)
        os.close(descriptor)
        self.side.start(START)

    def kill(self) -> None:
        """As a child does."""

    def close(self) -> None:
        self.selector.close()
        self.channel.close()
        self.theirs.close()


def test_ledger_that_is_not_open_after_its_limit_stops_the_start() -> None:
    started = Started()
    gives_up_ns = started.port.gives_up_ns()
    assert gives_up_ns is not None
    started.side.look(gives_up_ns - 1)
    assert started.failures == []
    started.side.look(gives_up_ns)
    (failure,) = started.failures
    assert "has not opened its ledger within 60 s" in str(failure)
    assert started.port.gives_up_ns() is None
    started.close()


def test_recorder_that_was_ready_once_may_be_away_for_long() -> None:
    started = Started()
    Channel(started.theirs).send(RecorderReady())
    started.port.receive()
    started.side.look(time.monotonic_ns() + 100 * START_LIMIT_NS)
    assert started.failures == []
    started.close()
