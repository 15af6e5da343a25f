"""Parts of phase II, one by one, against the frozen reference: what has changed, since when, and why."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np

from taktsight.quality.drift_causes import LOOK_INTO, RANKS, Cause, Moved, explain, moved
from taktsight.quality.drift_cusum import Change, EventCusum, ScoreCusum
from taktsight.quality.drift_frames import compare_looks, find_stain
from taktsight.quality.drift_neighbours import distances
from taktsight.quality.drift_ranks import Ranks
from taktsight.quality.drift_reference import (
    FRAMES_PER_WINDOW,
    DriftReference,
    EventDetector,
    FrameTests,
    ScoreDetector,
    WindowTests,
)
from taktsight.quality.drift_stream import Channel, Floats, PartName, SeenPart, values_of, vector_of
from taktsight.quality.two_samples import kolmogorov_smirnov, mmd
from taktsight.records import Outcome

Detector = Literal["cusum", "events", "ks", "mmd", "looks", "stain"]
REMEMBERED = 4000
"""Values of a column that its change is described from."""
_SEED = 7


@dataclass(frozen=True, slots=True)
class Alarm:
    """Something has changed."""

    detector: Detector
    what: str
    """What it is about, the same for every alarm of one detector in one direction."""
    view: str
    """Camera; "" where it is about the whole part."""
    since: PartName
    """From which part on, as likely as not."""
    at: PartName
    """At which part it was found."""
    utc: str
    """Of that part."""
    cause: Cause
    said: str
    """In one sentence, with the cause."""
    look_into: str = ""
    """Where to look, where that is known."""


class Watch:
    """Everything the reference watches. Parts of another bundle or recipe are counted and not compared."""

    def __init__(self, reference: DriftReference) -> None:
        self._reference = reference
        self._columns = {each.channel: _Column(each) for each in reference.columns}
        self._events = [_Events(each) for each in reference.events]
        self._near = reference.neighbours
        rows = np.array(self._near.rows) if self._near else np.zeros((0, 0))
        self._rows = rows
        self._windows = _Windows(reference.windows, self._columns) if reference.windows else None
        self._frames = {each.view: _Frames(each) for each in reference.frames}
        self._rng = np.random.default_rng(_SEED)
        self.parts = 0
        self.strangers = 0
        """Parts that another bundle or recipe judged."""

    def see(self, part: SeenPart) -> list[Alarm]:
        """Takes the next part; the alarms that it raises, the likeliest causes first."""
        if (part.bundle, part.recipe) != (self._reference.bundle, self._reference.recipe):
            self.strangers += 1
            return []
        self.parts += 1
        labels = self._reference.labels
        changes = []
        for channel, value in values_of(part, labels):
            column = self._columns.get(channel)
            found = column.add(part.name, value) if column else None
            if column and found:
                changes.append((column, found))
        alarms = [self._column_alarm(part, column, since, change) for column, (since, change) in changes]
        alarms += self._event_alarms(part)
        if self._windows is not None and part.scores:
            tests = self._windows.add(part, labels, self._rng)
            alarms += [self._window_alarm(part, *each) for each in tests]
        return sorted(alarms, key=lambda alarm: RANKS.index(alarm.cause))

    def see_frame(self, view: str, name: PartName, utc: str, cells: Floats) -> list[Alarm]:
        """Takes a kept frame of a passed part; the alarms that it raises."""
        frames = self._frames.get(view)
        found = frames.add(name, cells, self._rng) if frames else []
        return [self._frame_alarm(view, utc, name, *each) for each in found]

    @property
    def levels(self) -> dict[str, float]:
        """How near each CUSUM is to its threshold: 1 is an alarm."""
        found = {str(channel): column.cusum.level for channel, column in self._columns.items()}
        return found | {SAID[each.detector.name]: each.cusum.level for each in self._events}

    def _column_alarm(self, part: SeenPart, column: _Column, since: PartName, change: Change) -> Alarm:
        channel = column.detector.channel
        how = column.moved(since)
        is_health = channel.kind == "health"
        health = self._health_since(since) if not is_health else []
        found = explain(str(how), channel.view, is_health, health, since)
        look = LOOK_INTO.get((channel.name, change.is_up), "") if is_health else ""
        what = f"{channel} {'up' if change.is_up else 'down'}"
        return Alarm("cusum", what, channel.view, since, part.name, part.utc, found.cause, found.said, look)

    def _event_alarms(self, part: SeenPart) -> list[Alarm]:
        if not part.scores:
            return []
        alarms = []
        for each in self._events:
            is_event = self._is_event(each.detector, part)
            found = None if is_event is None else each.add(part.name, is_event)
            if found is None:
                continue
            since, share = found
            usual = each.detector.events / max(each.detector.parts, 1)
            name = SAID[each.detector.name]
            how = f"{name} became more frequent: {share:.1%} of parts, {usual:.1%} before,"
            why = explain(how, "", False, self._health_since(since), since)
            alarms.append(Alarm("events", name, "", since, part.name, part.utc, why.cause, why.said))
        return alarms

    def _is_event(self, detector: EventDetector, part: SeenPart) -> bool | None:
        if detector.name == "review":
            return part.outcome is Outcome.REVIEW
        if self._near is None:
            return None
        vector = vector_of(part, self._near.named, self._reference.labels)
        if vector is None:
            return None
        point = (vector - np.array(self._near.centre)) / np.array(self._near.scale)
        return bool(distances(point[np.newaxis], self._rows)[0] > self._near.limit)

    def _window_alarm(
        self, part: SeenPart, detector: Detector, view: str, name: str, p: float, since: PartName
    ) -> Alarm:
        what = (
            f"scores of camera {view} together" if detector == "mmd" else f"score of {name} (camera {view})"
        )
        how = f"{what} are distributed otherwise (p {p:.2g})"
        if detector == "ks":
            how = f"{what} is distributed otherwise (p {p:.2g})"
        found = explain(how, view, False, self._health_since(since), since)
        return Alarm(
            detector, f"distribution of {what}", view, since, part.name, part.utc, found.cause, found.said
        )

    def _frame_alarm(
        self, view: str, utc: str, name: PartName, detector: Detector, how: str, since: PartName
    ) -> Alarm:
        if detector == "stain":
            said = f"{how} since part {since}"
            look = "clean the lens and its cover; look for something that lies in the picture"
            return Alarm(
                detector, f"stain in camera {view}", view, since, name, utc, "lens dirt", said, look
            )
        found = explain(how, view, False, self._health_since(since), since)
        return Alarm(detector, f"look of camera {view}", view, since, name, utc, found.cause, found.said)

    def _health_since(self, since: PartName) -> list[Moved]:
        """How far each measure of image health has moved since a part."""
        columns = [each for each in self._columns.values() if each.detector.kind == "health"]
        return [each.moved(since) for each in columns if each.has(since)]


SAID = {"review": "parts in doubt (REVIEW)", "unlike": "parts like none of the reference"}


class _Column:
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


class _Events:
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


class _Windows:
    def __init__(self, tests: WindowTests, columns: dict[Channel, _Column]) -> None:
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


class _Frames:
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
