"""The streams that a reference watches, each with its detector: columns, events, windows of parts and of
frames.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterable, Iterator
from typing import Literal

import numpy as np

from taktsight.quality.drift_causes import Moved, moved
from taktsight.quality.drift_cusum import Change, EventCusum, ScoreCusum
from taktsight.quality.drift_frames import compare_looks, find_stain
from taktsight.quality.drift_ranks import Ranks
from taktsight.quality.drift_reference import (
    FRAMES_PER_WINDOW,
    EventDetector,
    FrameTests,
    ScoreDetector,
    WindowTests,
)
from taktsight.quality.drift_stream import Channel, Floats, PartName, SeenPart, values_of
from taktsight.quality.two_samples import kolmogorov_smirnov, mmd

Detector = Literal["cusum", "events", "ks", "mmd", "looks", "stain"]
REMEMBERED = 4000
"""Values of a column that its change is described from."""


class WatchedColumn:
    """One column: its CUSUM, and the values that it came from."""

    def __init__(self, detector: ScoreDetector) -> None:
        self.detector = detector
        self.cusum = ScoreCusum(detector.h)
        self._ranks = Ranks.of(detector.values)
        self._block: list[tuple[PartName, float]] = []
        self._seen: deque[tuple[PartName, float, float]] = deque(maxlen=REMEMBERED)
        """First part, value and score of each block."""
        self._count = 0

    def add(self, name: PartName, value: float) -> tuple[PartName, Change] | None:
        """Takes a part's value; since which part it has changed, if that is an alarm."""
        self._block.append((name, value))
        if len(self._block) < self.detector.block:
            return None
        first = self._block[0][0]
        mean = math.fsum(value for _, value in self._block) / len(self._block)
        self._block.clear()
        score = float(self._ranks.scores(mean))
        self._seen.append((first, mean, score))
        self._count += 1
        change = self.cusum.add(score)
        if change is None:
            return None
        back = self._count - change.since
        return self._seen[max(0, len(self._seen) - back)][0], change

    def has(self, since: PartName) -> bool:
        """Whether there is a value of that part, or a later one."""
        return bool(self._from(since))

    def moved(self, since: PartName) -> Moved:
        """How far it has moved since a part."""
        seen = self._from(since)
        detector = self.detector
        reference = (len(detector.values), detector.median)
        return moved(
            detector.channel, reference, [score for *_, score in seen], [value for _, value, _ in seen]
        )

    def score(self, value: float) -> float:
        """The normal score of one part's value."""
        return float(self._ranks.scores(value))

    def _from(self, since: PartName) -> list[tuple[PartName, float, float]]:
        found: list[tuple[PartName, float, float]] = []
        for each in reversed(self._seen):
            if each[0].run == since.run and each[0].trigger < since.trigger:
                break
            found.append(each)
        return found


class WatchedEvents:
    """Events of one kind: their CUSUM, and the parts that it came from."""

    def __init__(self, detector: EventDetector) -> None:
        self.detector = detector
        self.cusum = EventCusum(detector.h, detector.weight)
        self._seen: deque[tuple[PartName, bool]] = deque(maxlen=REMEMBERED)
        self._count = 0

    def add(self, name: PartName, is_event: bool) -> tuple[PartName, float] | None:
        """Takes a part; since which part, and with what share of events, if that is an alarm."""
        self._seen.append((name, is_event))
        self._count += 1
        change = self.cusum.add(is_event)
        if change is None:
            return None
        recent = list(self._seen)[-(self._count - change.since) :]
        return recent[0][0], sum(event for _, event in recent) / len(recent)


class WatchedWindows:
    """Scores of so many parts at a time, against those of the reference."""

    def __init__(self, tests: WindowTests, columns: dict[Channel, WatchedColumn]) -> None:
        self._tests = tests
        self._columns = columns
        self._channels = [Channel(view, "score", label) for view, label in tests.columns]
        self._reference = np.array(tests.order)
        self._permutations = max(199, math.ceil(2 / tests.level))
        self._rows: list[list[float]] = []
        self._first: PartName | None = None

    def add(
        self, part: SeenPart, labels: Iterable[str], rng: np.random.Generator
    ) -> list[tuple[Detector, str, str, float, PartName]]:
        """Takes a part; which tests of a full window are alarms: test, view, label, p, first part."""
        values = dict(values_of(part, tuple(labels)))
        if not all(channel in values for channel in self._channels):
            return []
        self._first = self._first or part.name
        self._rows.append([values[channel] for channel in self._channels])
        if len(self._rows) < self._tests.parts:
            return []
        window, first = np.array(self._rows).T, self._first
        self._rows, self._first = [], None
        return [(*each, first) for each in self._alarms(window, rng)]

    def _alarms(
        self, window: Floats, rng: np.random.Generator
    ) -> Iterator[tuple[Detector, str, str, float]]:
        for channel, before, now in zip(self._channels, self._reference, window, strict=True):
            found = kolmogorov_smirnov(before, now)
            if found.p <= self._tests.level:
                yield "ks", channel.view, channel.name, found.p
        for view in self._tests.views:
            chosen = [place for place, each in enumerate(self._channels) if each.view == view]
            before, now = (self._scores(chosen, rows) for rows in (self._reference, window))
            p = mmd(before, now, rng, permutations=self._permutations, level=self._tests.level).p
            if p <= self._tests.level:
                yield "mmd", view, "", p

    def _scores(self, chosen: list[int], rows: Floats) -> Floats:
        ranks = [Ranks.of(self._columns[self._channels[place]].detector.values) for place in chosen]
        return np.stack(
            [rank.scores(rows[place]) for rank, place in zip(ranks, chosen, strict=True)], axis=1
        )


class WatchedFrames:
    """Kept frames of one view, so many at a time, against those of the reference."""

    def __init__(self, tests: FrameTests) -> None:
        self._tests = tests
        self._reference = np.array(tests.cells)
        self._permutations = max(199, math.ceil(2 / tests.level))
        self._cells: list[Floats] = []
        self._first: PartName | None = None

    def add(
        self, name: PartName, cells: Floats, rng: np.random.Generator
    ) -> list[tuple[Detector, str, PartName]]:
        """Takes a frame; which tests of a full window are alarms: test, what it found, first part."""
        self._first = self._first or name
        self._cells.append(cells)
        if len(self._cells) < FRAMES_PER_WINDOW:
            return []
        recent, first = np.stack(self._cells), self._first
        self._cells, self._first = [], None
        return [(*each, first) for each in self._alarms(recent, rng)]

    def _alarms(self, recent: Floats, rng: np.random.Generator) -> Iterator[tuple[Detector, str]]:
        view, level, most = self._tests.view, self._tests.level, self._permutations
        stain = find_stain(self._reference, recent, rng, permutations=most, level=level)
        if stain.p <= level:
            x0, y0, x1, y1 = stain.box_px(*self._tests.size_px)
            kind = "darker" if stain.change < 0 else "brighter"
            yield (
                "stain",
                f"a place of camera {view}, x {x0}–{x1} and y {y0}–{y1} px, is "
                f"{abs(stain.change):.0%} {kind} on {len(recent)} passed parts (p {stain.p:.2g})",
            )
        looks = compare_looks(self._reference, recent, rng, permutations=most, level=level)
        if looks.p <= level:
            yield "looks", f"frames of camera {view} look otherwise (p {looks.p:.2g})"
