"""The parts of a ledger against a frozen reference of drift, as they come."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

from taktsight.inspect.drift_rows import Behind, PartReader, frame_cells
from taktsight.quality.drift_reference import DriftReference
from taktsight.quality.drift_stream import PartName, SeenPart
from taktsight.quality.drift_watch import Alarm, Watch

FRAMES_S = 60.0
"""How often the table of kept images is looked at, which is read as a whole."""


class DriftFollower:
    """Parts behind the reference, and the frames of them that were kept."""

    def __init__(self, records: Path, reference: DriftReference, reader: PartReader) -> None:
        self._records = records
        self._reader = reader
        self.watch = Watch(reference)
        self.strangers_in_a_row = 0
        """Parts up to now that another bundle or recipe judged: nobody compares them."""
        self._behind = Behind(PartName(reference.last.run, reference.last.trigger), reader.runs)
        self._frames: set[tuple[str, PartName]] = set()
        self._parts: set[PartName] = set()
        self._watches_frames = bool(reference.frames)
        self._frames_due_s = 0.0

    def see(self, part: SeenPart) -> list[Alarm]:
        """Takes the next part of the ledger; the alarms that it raises."""
        if not self._behind.has(part.name):
            return []
        before = self.watch.parts
        alarms = self.watch.see(part)
        if self.watch.parts == before:
            self.strangers_in_a_row += 1
            return alarms
        self.strangers_in_a_row = 0
        if self._watches_frames:
            self._parts.add(part.name)
        return alarms

    def see_frames(self) -> Iterator[Alarm]:
        """Those that frames raise which were kept since the last look; most calls are not due."""
        if not self._watches_frames or time.monotonic() < self._frames_due_s:
            return
        self._frames_due_s = time.monotonic() + FRAMES_S
        for camera, name, utc, file in self._reader.passed_frames():
            if name in self._parts and (camera, name) not in self._frames:
                self._frames.add((camera, name))
                reduced = frame_cells(self._records, file)
                if reduced is not None:
                    yield from self.watch.see_frame(camera, name, utc, reduced[0])
