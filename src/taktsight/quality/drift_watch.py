"""Parts of phase II, one by one, against the frozen reference: what has changed, since when, and why."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from taktsight.quality.drift_causes import LOOK_INTO, RANKS, Cause, Moved, explain
from taktsight.quality.drift_cusum import Change
from taktsight.quality.drift_neighbours import distances
from taktsight.quality.drift_reference import DriftReference, EventDetector
from taktsight.quality.drift_stream import Floats, PartName, SeenPart, values_of, vector_of
from taktsight.quality.drift_watched_streams import (
    Detector,
    WatchedColumn,
    WatchedEvents,
    WatchedFrames,
    WatchedWindows,
)
from taktsight.records import Outcome

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
        self._columns = {each.channel: WatchedColumn(each) for each in reference.columns}
        self._events = [WatchedEvents(each) for each in reference.events]
        self._near = reference.neighbours
        rows = np.array(self._near.rows) if self._near else np.zeros((0, 0))
        self._rows = rows
        self._windows = WatchedWindows(reference.windows, self._columns) if reference.windows else None
        self._frames = {each.view: WatchedFrames(each) for each in reference.frames}
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

    def _column_alarm(
        self, part: SeenPart, column: WatchedColumn, since: PartName, change: Change
    ) -> Alarm:
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
