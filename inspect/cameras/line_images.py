"""Strips joined to images: tiles of an endless web, and parts that something else triggers.

Pure: no thread, no clock. Strips look into the camera's own buffers; a line is copied once, into each image
that shows it. What lies in one strip is not copied at all.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from taktsight.inspect.cameras.line_strips import Strip
from taktsight.records import Image

TOLD = 4
"""Tiles of one gap that are each told of; the numbers of further ones are left out."""
SLOWER = 2.0
"""A block that took so many times as long as its neighbour: where in it the trigger came is not known."""


@dataclass(frozen=True, slots=True)
class Joined:
    """Lines, one behind the other; or why they are none."""

    image: Image | None
    """(lines, W, C) uint8."""
    fault: str = ""
    captured_ns: int = 0
    """When its last line was exposed; monotonic clock, ns."""


@dataclass(frozen=True, slots=True)
class Tile:
    """A piece of web."""

    number: int
    """Consecutive since the first: a gap are tiles that nobody looked at."""
    first: int
    """Its first line."""
    captured_ns: int
    """When it was known to be whole: the line behind its last one was exposed."""
    joined: Joined


def join(strips: Iterable[Strip], first: int, lines: int) -> Joined:
    """The lines from one on; strips are in order and without a gap, and reach as far.

    Raises:
        ValueError: If they do not.
    """
    end, place, captured_ns = first + lines, first, 0
    pieces, holes = [], []
    for strip in strips:
        begin, stop = max(first, strip.first), min(end, strip.end)
        if begin >= stop:
            continue
        if begin != place:
            break
        place = stop
        captured_ns = strip.at_ns(stop)
        if strip.image is None:
            holes.append(
                f"lines {begin - first} to {stop - first - 1} of {lines} are missing: {strip.fault}"
            )
        else:
            pieces.append(strip.image[begin - strip.first : stop - strip.first])
    if place != end:
        raise ValueError(f"lines {first} to {end - 1} are wanted, the strips reach to {place - 1}")
    if holes:
        return Joined(None, "; ".join(holes[:2]) + ("; …" if len(holes) > 2 else ""), captured_ns)
    return Joined(pieces[0] if len(pieces) == 1 else np.concatenate(pieces), "", captured_ns)


class Tiles:
    """Cuts a web, from one line on, into tiles that overlap."""

    def __init__(self, lines: int, stride: int, first: int = 0, number: int = 0) -> None:
        self._lines, self._stride = lines, stride
        self._first, self._number = first, number
        self._strips: deque[Strip] = deque()
        self._told_ns = 0

    def add(self, strip: Strip) -> list[Tile]:
        """The tiles that end within this strip."""
        self._strips.append(strip)
        tiles: list[Tile] = []
        while self._first + self._lines <= strip.end:
            self._told_ns = max(self._told_ns + 1, strip.end_ns)
            joined = join(self._strips, self._first, self._lines)
            tiles.append(Tile(self._number, self._first, self._told_ns, joined))
            self._go_on(1)
            if strip.image is None and len(tiles) >= TOLD:
                self._skip(strip)
            while self._strips and self._strips[0].end <= self._first:
                self._strips.popleft()
        return tiles

    def _skip(self, strip: Strip) -> None:
        """Tiles that lie in a gap as a whole."""
        inside = (strip.end - self._lines - self._first) // self._stride
        if inside > 0:
            self._go_on(inside)

    def _go_on(self, tiles: int) -> None:
        self._number += tiles
        self._first += tiles * self._stride


class History:
    """The last lines of the belt, for parts whose trigger comes from elsewhere."""

    def __init__(self, lines: int, lead_lines: int, kept: int) -> None:
        """``kept``: so many lines, at least, if there were so many."""
        self._lines, self._lead, self._kept = lines, lead_lines, kept
        self._strips: deque[Strip] = deque()

    def add(self, strip: Strip) -> None:
        """The next lines."""
        self._strips.append(strip)
        while len(self._strips) > 1 and self._strips[1].first <= strip.end - self._kept:
            self._strips.popleft()

    def part(self, triggered_ns: int) -> Joined | None:
        """The lines of a part; None as long as not all of them were exposed."""
        if not self._strips or self._strips[-1].end_ns <= triggered_ns:
            return None
        at = next(place for place, each in enumerate(self._strips) if each.end_ns > triggered_ns)
        strip = self._strips[at]
        if fault := self._unsure(at, triggered_ns):
            return Joined(None, fault)
        passed = (triggered_ns - strip.captured_ns) * strip.lines // (strip.end_ns - strip.captured_ns)
        first = strip.first + passed + self._lead
        if first < self._strips[0].first:
            return Joined(None, f"its first {self._strips[0].first - first} lines are not kept any more")
        if first + self._lines > self._strips[-1].end:
            return None
        return join(self._strips, first, self._lines)

    def _unsure(self, at: int, triggered_ns: int) -> str:
        """Why nobody can say which line was under the sensor; "" where it is known."""
        strip = self._strips[at]
        if strip.captured_ns > triggered_ns:
            return "its trigger came before the lines that are kept, or in a gap"
        if strip.image is None:
            return f"which line its trigger met is not known: {strip.fault}"
        beside = [self._strips[place] for place in (at - 1, at + 1) if 0 <= place < len(self._strips)]
        quickest = min((_ns_per_line(each) for each in beside if each.image is not None), default=0.0)
        if quickest and _ns_per_line(strip) > SLOWER * quickest:
            return "which line its trigger met is not known: the belt stopped, or changed its speed, there"
        return ""


def _ns_per_line(strip: Strip) -> float:
    return (strip.end_ns - strip.captured_ns) / strip.lines
