"""How far the belt has run, by an encoder that the PLC or an input of this computer counts."""

from __future__ import annotations

import selectors
from bisect import bisect_right
from collections import deque
from collections.abc import Callable

from taktsight.inspect.belt_settings import GpioEncoderSettings
from taktsight.inspect.gpio.edges import Edge, EdgeInput
from taktsight.inspect.plc.blocks import signed_steps
from taktsight.inspect.plc.link import PlcLink, Reading

KEPT = 16_384
"""Samples that are remembered, to say where the belt was when a part came."""


class Belt:
    """The belt's position, sample by sample. Pure: what counts gives it the samples."""

    def __init__(self, mm_per_count: float) -> None:
        self._mm_per_count = mm_per_count
        self._times_ns: deque[int] = deque(maxlen=KEPT)
        self._places_mm: deque[float] = deque(maxlen=KEPT)
        self._movers: list[Callable[[int], None]] = []
        self._losers: list[Callable[[str], None]] = []
        self.position_mm = 0.0
        """Since it was first looked at."""
        self._sampled_ns: int | None = None
        self.before_ns = 0
        """When the sample before the newest was taken: what the newest tells came after that."""

    def on_move(self, mover: Callable[[int], None]) -> None:
        """Called with the time of each new sample."""
        self._movers.append(mover)

    def on_lost(self, loser: Callable[[str], None]) -> None:
        """Called with the reason when nobody knows how far the belt ran."""
        self._losers.append(loser)

    def run(self, counts: int, at_ns: int) -> None:
        """The encoder went on by so many counts, backward below 0."""
        self.before_ns = at_ns if self._sampled_ns is None else self._sampled_ns
        self._sampled_ns = at_ns
        self.position_mm += counts * self._mm_per_count
        if counts or not self._times_ns:
            self._times_ns.append(at_ns)
            self._places_mm.append(self.position_mm)
        for mover in self._movers:
            mover(at_ns)

    def lose(self, reason: str) -> None:
        """Nobody counted for a while."""
        self._sampled_ns = None
        self._times_ns.clear()
        self._places_mm.clear()
        for loser in self._losers:
            loser(reason)

    def position_at_mm(self, at_ns: int) -> float | None:
        """Where it was at a moment, at the sample before it; None where nobody remembers."""
        after = bisect_right(self._times_ns, at_ns)
        if after == 0:
            return None
        return self._places_mm[after - 1]


class PlcEncoder:
    """Reads the count out of the part block."""

    def __init__(self, belt: Belt, link: PlcLink) -> None:
        self._belt = belt
        self._count: int | None = None
        link.listen(self._read)

    def close(self) -> None:
        """The link lets go."""

    def _read(self, reading: Reading) -> None:
        count, before = reading.block.encoder, self._count
        self._count = count
        if before is None:
            self._belt.run(0, reading.received_ns)
        elif reading.is_first:
            self._belt.lose("the PLC, which counts the encoder, could not be reached")
            self._belt.run(0, reading.received_ns)
        else:
            self._belt.run(signed_steps(before, count), reading.received_ns)


class GpioEncoder:
    """Counts the edges of an input."""

    def __init__(
        self, belt: Belt, settings: GpioEncoderSettings, selector: selectors.BaseSelector, now_ns: int
    ) -> None:
        self._belt = belt
        self._input = EdgeInput(settings, "rising", selector, self._see)
        belt.run(0, now_ns)

    def close(self) -> None:
        """Lets go of the input."""
        self._input.close()

    def _see(self, edge: Edge) -> None:
        self._belt.run(1 + edge.lost, edge.at_ns)
