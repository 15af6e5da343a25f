"""When each part's pulse begins and ends, and which output is active meanwhile. Pure.

A part has a window at the gate, in trigger order, by time or by the way of the belt; both are numbers on
an axis here. A window ends when its time is over or the next one begins, whichever is first: the pulse of
a passed part never reaches into another one's. A window that begins too late stays closed.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import Literal

Level = Literal["rest", "pass", "not_pass"]


@dataclass(frozen=True, slots=True)
class Window:
    """One part's time at the gate."""

    trigger: int
    is_pass: bool
    begins: float
    """On the axis: ns, or mm of belt."""


class Pulses:
    """The windows that are to come, and the one that is open."""

    def __init__(self, width_ns: int, late: float) -> None:
        """``late``: how late a pulse may begin, on the axis."""
        self._width_ns = width_ns
        self._late = late
        self._windows: deque[Window] = deque()
        self._ends_ns: int | None = None
        self.level: Level = "rest"

    @property
    def is_settled(self) -> bool:
        """Whether every window is over."""
        return not self._windows and self._ends_ns is None

    @property
    def next_begin(self) -> float | None:
        """Where the next window begins, on the axis."""
        return self._windows[0].begins if self._windows else None

    @property
    def ends_ns(self) -> int | None:
        """When the open one ends; None while none is open."""
        return self._ends_ns

    def add(self, window: Window) -> None:
        """The window of the next part. It never begins before the one ahead of it."""
        if self._windows and window.begins < self._windows[-1].begins:
            window = Window(window.trigger, window.is_pass, self._windows[-1].begins)
        self._windows.append(window)

    def advance(self, place: float, now_ns: int) -> list[Window]:
        """Goes on to a place on the axis; the windows reached too late, which let nothing through."""
        if self._ends_ns is not None and now_ns >= self._ends_ns:
            self._rest()
        too_late = []
        while self._windows and self._windows[0].begins <= place:
            window = self._windows.popleft()
            is_late = place - window.begins > self._late
            if is_late:
                too_late.append(window)
            self.level = "pass" if window.is_pass and not is_late else "not_pass"
            self._ends_ns = now_ns + self._width_ns
        return too_late

    def drop(self) -> list[int]:
        """Nobody knows where the parts are: the triggers of those that would have passed."""
        passed = [window.trigger for window in self._windows if window.is_pass]
        self._windows.clear()
        self._rest()
        return passed

    def _rest(self) -> None:
        self.level, self._ends_ns = "rest", None
