"""How far the belt has run, by an encoder that the PLC or an input of this computer counts."""

from __future__ import annotations

import selectors
from bisect import bisect_right
from collections import deque
from collections.abc import Callable

from taktsight.inspect.belt_settings import GpioEncoderSettings, PlcEncoderSettings
from taktsight.inspect.gpio.edges import Edge, EdgeInput
from taktsight.inspect.plc.blocks import signed_steps, steps
from taktsight.inspect.plc.link import PlcLink, Reading
from taktsight.inspect.triggers.arrivals import MAX_LOST

KEPT = 16_384
"""Samples that are remembered, to say where the belt was when a part came."""
SCAN_NS = 50_000_000
"""A cycle of the PLC's program: what it says may be so old already."""
MAX_COUNTS = 32_767
"""Beyond that a 16-bit count could have gone either way round."""


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
    """Reads the count out of the part block. What no belt can run is a count that was set anew."""

    def __init__(
        self, belt: Belt, link: PlcLink, settings: PlcEncoderSettings, *, counts_parts: bool
    ) -> None:
        """``counts_parts``: the trigger is the PLC's part counter, which begins anew for no good reason."""
        self._belt = belt
        self._link = link
        self._settings = settings
        self._counts_parts = counts_parts
        self._count: int | None = None
        self._counter = 0
        self._stood = False
        link.listen(self._read)

    def close(self) -> None:
        """The link lets go."""

    def _read(self, reading: Reading) -> None:
        block, before = reading.block, self._count
        lost = "" if before is None else self._why_lost(before, reading)
        self._count, self._counter = block.encoder, block.counter
        self._stood = self._link.outage.program_stands
        if lost:
            self._belt.lose(lost)
        counts = 0 if before is None or lost else signed_steps(before, block.encoder)
        self._belt.run(counts, reading.received_ns)

    def _why_lost(self, before: int, reading: Reading) -> str:
        """Why nobody knows how far the belt ran since the reading before; "" where it is known."""
        block = reading.block
        if reading.is_first:
            return "the PLC, which counts the encoder, could not be reached"
        if self._link.outage.program_stands is not self._stood:
            return "the PLC's program, which counts the encoder, stood still"
        if self._counts_parts and steps(self._counter, block.counter) > MAX_LOST:
            went = f"went from {self._counter} to {block.counter}"
            return f"the PLC's part counter {went}: it was set anew, its encoder perhaps too"
        return self._why_no_belt(before, block.encoder, reading.received_ns - reading.not_before_ns)

    def _why_no_belt(self, before: int, count: int, apart_ns: int) -> str:
        mm_per_count, max_mm_per_s = self._settings.mm_per_count, self._settings.max_mm_per_s
        if max_mm_per_s * apart_ns / 1e9 > MAX_COUNTS * mm_per_count:
            return f"the PLC's encoder was not read for {apart_ns / 1e6:.0f} ms and may have gone round"
        ran_mm = abs(signed_steps(before, count)) * mm_per_count
        if ran_mm <= max_mm_per_s * (apart_ns + SCAN_NS) / 1e9:
            return ""
        said = f"the PLC's encoder: its count went from {before} to {count}, {ran_mm:g} mm"
        return f"{said} in {apart_ns / 1e6:.0f} ms, which is beyond max_mm_per_s: it was set anew"


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
