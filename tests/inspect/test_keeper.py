"""A camera whose driver never ends its sessions: no thread more is left behind than it takes to know."""

from __future__ import annotations

import threading
import time
from types import SimpleNamespace
from typing import cast

import pytest

from taktsight.errors import LineError
from taktsight.inspect.cameras import keeper
from taktsight.inspect.cameras.frame_intake import FrameIntake
from taktsight.inspect.cameras.gige_settings import AravisSettings
from taktsight.inspect.cameras.gige_setup import Running
from taktsight.inspect.cameras.keeper import MAX_CLOSING, Keeper
from taktsight.inspect.cameras.session import Received, Session
from taktsight.inspect.cameras.stream import FrameStream


class Stuck:
    """A session that somebody else took over, and that is never closed until the test is over."""

    in_control = False

    def __init__(self, over: threading.Event) -> None:
        self.address: str | None = None
        self.running = cast(Running, SimpleNamespace(transfer_ns=0))
        self._over = over

    def receive(self, wait_s: float) -> Received | None:
        self._over.wait(wait_s)
        return None

    def fire(self) -> None:
        """Nothing."""

    def ask_time(self) -> tuple[int, int, int] | None:
        return None

    def close(self) -> None:
        self._over.wait()


def test_driver_that_never_ends_its_sessions_ends_vision(monkeypatch: pytest.MonkeyPatch) -> None:
    over, opened, ended = threading.Event(), list[Stuck](), list[object]()
    monkeypatch.setattr(keeper, "GIVEN_UP_NS", 500_000_000)
    monkeypatch.setattr(keeper, "END_S", 0.1)
    monkeypatch.setattr(threading, "excepthook", lambda arguments: ended.append(arguments.exc_value))

    def open_session(_wait_s: float) -> Session:
        session = Stuck(over)
        opened.append(session)
        return session

    stream = FrameStream("top", 2)
    settings = AravisSettings(
        kind="aravis", device="192.168.10.20", trigger="hardware", trigger_source="Line1"
    )
    kept = Keeper(settings, stream, FrameIntake(stream, 1), open_session)
    try:
        until_s = time.monotonic() + 20
        while not ended and time.monotonic() < until_s:
            time.sleep(0.01)
        (error,) = ended
        assert isinstance(error, LineError)
        assert f"has left {MAX_CLOSING} sessions open and never ends them; vision ends" in str(error)
        assert len(opened) == MAX_CLOSING
    finally:
        over.set()
        kept.close()
