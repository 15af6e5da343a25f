"""Parts on their way past camera and sensor, one every takt. What came is remembered as the truth."""

from __future__ import annotations

import threading
import time
from collections import deque
from typing import Literal

from taktsight.inspect.simulation.belt import BeltPlace
from taktsight.inspect.simulation.part_counter import PartCounter

SensorFault = Literal["lost", "doubled", "bounced"]
SENSOR_FAULTS: dict[SensorFault, str] = {
    "lost": "counted together with the part behind it: the line learns of it too late",
    "doubled": "counted again half a takt later",
    "bounced": "counted three times within some milliseconds",
}
"""What can be wrong with how a part is counted."""
BOUNCE_S = 0.003


class Conveyor:
    """A belt that moves from :meth:`start` to :meth:`close`."""

    def __init__(self, place: BeltPlace, counter: PartCounter, takt_ms: float) -> None:
        self.counted: list[int] = []
        """Of each count of the sensor the part that stood there. Count n is the line's trigger n."""
        self.counted_ns: list[int] = []
        """When, monotonic."""
        self.lost: set[int] = set()
        """Counts that the line could not look at, by their place in :attr:`counted`."""
        self._place, self._counter, self._takt_s = place, counter, takt_ms / 1000
        self._pace = 1.0
        self._faults: deque[SensorFault] = deque()
        self._owed: list[int] = []
        self._closed, self._runs = threading.Event(), threading.Event()
        self._between = threading.Lock()
        self._left: int | None = None
        self._thread = threading.Thread(target=self._move, name="belt", daemon=True)
        self._thread.start()

    def start(self, parts: int | None = None) -> None:
        """It moves, for so many parts or without end."""
        self._left = parts
        self._runs.set()

    def pause(self) -> None:
        """It stands, once the part that comes now has come."""
        self._runs.clear()
        with self._between:
            self._settle()

    def at_pace(self, pace: float) -> None:
        """So much faster than its takt, from the next part on."""
        self._pace = pace

    def spoil(self, fault: SensorFault, count: int = 1) -> None:
        """The next parts are counted wrongly, each second one: those between them are well."""
        with self._between:
            self._faults.extend([fault] * count)

    @property
    def is_spoiling(self) -> bool:
        """Whether a part is still to be counted wrongly."""
        return bool(self._faults or self._owed)

    def begin_anew(self) -> None:
        """Another line counts from here: its first trigger is the next count."""
        with self._between:
            self.counted, self.counted_ns, self.lost = [], [], set()

    def close(self) -> None:
        """No part comes any more."""
        self._closed.set()
        self._runs.set()
        self._thread.join()

    def _move(self) -> None:
        due_s, spoilt_last = time.monotonic(), False
        while not self._closed.is_set():
            if not self._runs.is_set():
                self._runs.wait()
                due_s = time.monotonic()
                continue
            if self._left is not None:
                if not self._left:
                    self._runs.clear()
                    continue
                self._left -= 1
            with self._between:
                fault = self._faults.popleft() if self._faults and not spoilt_last else None
                spoilt_last = fault is not None
                self._come(fault)
            due_s += self._takt_s / self._pace
            # Where this process was held up no part is made up for.
            due_s = max(due_s, time.monotonic())
            self._closed.wait(due_s - time.monotonic())

    def _come(self, fault: SensorFault | None) -> None:
        part = self._place.part + 1
        self._place.part = part
        if fault == "lost":
            self._owed.append(part)
            return
        self._settle_with(part)
        if fault == "doubled":
            self._closed.wait(self._takt_s / self._pace / 2)
            self._settle_with(part)
        elif fault == "bounced":
            for _ in range(2):
                self._closed.wait(BOUNCE_S)
                self._settle_with(part)

    def _settle(self) -> None:
        if self._owed:
            self._settle_with(self._owed.pop())

    def _settle_with(self, part: int) -> None:
        """Counts it, with those that are owed: the line can look at the last one only."""
        self.lost |= set(range(len(self.counted), len(self.counted) + len(self._owed)))
        self.counted += [*self._owed, part]
        self.counted_ns += [time.monotonic_ns()] * (1 + len(self._owed))
        self._counter.count(f"P{part:07}", 1 + len(self._owed))
        self._owed.clear()
