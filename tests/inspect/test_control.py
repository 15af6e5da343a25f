"""The socket beside a line's records: whose it is, and who is kept waiting at it."""

from __future__ import annotations

import selectors
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from taktsight.errors import LineError
from taktsight.inspect.control import MAX_CLIENTS, SOCKET, Control, ControlClient


class Listening:
    """A line that answers, in a thread."""

    def __init__(self, folder: Path) -> None:
        self.selector = selectors.SelectSelector()
        self.control = Control(folder, self.selector, lambda _request: {"state": "well"})
        self._ends = False
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def _run(self) -> None:
        while not self._ends:
            for key, _ in self.selector.select(0.02):
                key.data()

    def close(self) -> None:
        self._ends = True
        self._thread.join()
        self.control.close()
        self.selector.close()


@pytest.fixture
def line(tmp_path: Path) -> Iterator[Listening]:
    made = Listening(tmp_path)
    yield made
    made.close()


def test_who_says_nothing_makes_room_for_who_asks(line: Listening, tmp_path: Path) -> None:
    silent = [ControlClient(tmp_path, "press") for _ in range(MAX_CLIENTS)]
    for client in silent:  # each is served before the next thing happens
        assert client.ask({}) == {"state": "well"}
    assert silent[0].ask({}) == {"state": "well"}  # the second one is now silent for the longest time
    asks = ControlClient(tmp_path, "press")
    assert asks.ask({}) == {"state": "well"}
    assert silent[0].ask({}) == {"state": "well"}
    with pytest.raises(LineError):
        silent[1].ask({})
    for client in (*silent, asks):
        client.close()


def test_line_that_ends_leaves_the_socket_of_the_next_one(tmp_path: Path) -> None:
    before, after = selectors.SelectSelector(), selectors.SelectSelector()
    ending = Control(tmp_path, before, lambda _request: {})
    following = Control(tmp_path, after, lambda _request: {})
    ending.close()
    assert (tmp_path / SOCKET).is_socket()
    following.close()
    assert not (tmp_path / SOCKET).exists()
    before.close()
    after.close()
