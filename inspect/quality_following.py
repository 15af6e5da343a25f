"""Everything that a station has watched in its ledger: drift, and control charts of its verdicts.

Alarms are files beside the records, so what stands outlives this process, the line and the computer.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

from taktsight.errors import LedgerError
from taktsight.inspect.drift_following import DriftFollower
from taktsight.inspect.drift_rows import Behind, PartReader
from taktsight.inspect.ledger import FILE
from taktsight.inspect.messages import Standing, StartWatch
from taktsight.quality.chart_stream import ChartStream
from taktsight.quality.drift_records import suspensions, write_alarm
from taktsight.quality.drift_reference import read_reference
from taktsight.quality.drift_stream import PartName, SeenPart
from taktsight.quality.spc_limits import LedgerPart, read_limits
from taktsight.quality.spc_records import standing_hits, write_hit

BLIND_PARTS = 100
"""So many parts in a row that another bundle or recipe judged: nobody watches them for drift."""
MAX_UNWRITTEN = 1000
"""Alarms in memory while the disk takes none; what they say is said by the first."""

Write = Callable[[], object]


class QualityFollower:
    """From the end of each phase I on, whatever was read by another process before."""

    def __init__(self, start: StartWatch) -> None:
        """Reads what is watched.

        Raises:
            ConfigError: If a reference or limits cannot be used.
        """
        self._records = start.records
        self._reference = None if start.drift is None else read_reference(start.drift)
        self._streams = [ChartStream(read_limits(path)) for path in start.spc]
        self._reader: PartReader | None = None
        self._drift: DriftFollower | None = None
        self._behind: list[Behind] = []
        self._unwritten: list[tuple[str, Write]] = []
        self._found = {"drift": 0, "process_shift": 0}
        self._disk = ""

    def look(self, pause: Callable[[], None]) -> None:
        """Reads on; ``pause`` is called with each part, for the ledger may be long."""
        if self._reader is None and not self._open():
            return
        for name, write in self._new():
            pause()
            if write is not None and len(self._unwritten) < MAX_UNWRITTEN:
                self._unwritten.append((name, write))
            self._write()
        self._write()

    def standing(self) -> Standing:
        """What stands now; what was found is told once."""
        sentences = {"drift": [], "process_shift": [said for _, said in standing_hits(self._records)]}
        if self._reference is not None:
            found = suspensions(self._records, bundle=self._reference.bundle)
            sentences["drift"] = [each.reason for each in found]
        waiting = [name for name, _ in self._unwritten]
        count = {name: len(said) + waiting.count(name) for name, said in sentences.items()}
        why = {name: _in_words(said, count[name]) for name, said in sentences.items()}
        found_now, self._found = self._found, dict.fromkeys(self._found, 0)
        return Standing(count, why, found_now, self._blind)

    def close(self) -> None:
        """Lets go of the ledger."""
        if self._reader is not None:
            self._reader.close()

    @property
    def _blind(self) -> str:
        strangers = 0 if self._drift is None else self._drift.strangers_in_a_row
        if strangers >= BLIND_PARTS:
            return (
                f"the last {strangers:,} parts were judged by another bundle or recipe than drift's "
                "reference, and are not compared: learn one of those"
            )
        return self._disk

    def _open(self) -> bool:
        """Whether there is a ledger; the recorder makes it when the line starts for the first time."""
        if not (self._records / FILE).is_file():
            return False
        self._reader = reader = PartReader(self._records)
        runs = reader.runs
        if self._reference is not None:
            self._drift = DriftFollower(self._records, self._reference, reader)
        lasts = [stream.frozen.ledger.last for stream in self._streams if stream.frozen.ledger]
        self._behind = [Behind(PartName(last.run, last.trigger), runs) for last in lasts]
        return True

    def _new(self) -> Iterator[tuple[str, Write | None]]:
        """How each new alarm is written down; None with each part that was read."""
        if self._reader is None:
            return
        for part in self._reader.parts():
            yield "", None
            yield from self._of_charts(part)
            if self._drift is not None and self._reference is not None:
                for alarm in self._drift.see(part):
                    yield "drift", partial(write_alarm, self._records, self._reference, alarm)
        if self._drift is not None and self._reference is not None:
            for alarm in self._drift.see_frames():
                yield "drift", partial(write_alarm, self._records, self._reference, alarm)

    def _of_charts(self, part: SeenPart) -> Iterator[tuple[str, Write]]:
        place = LedgerPart(run=part.name.run, trigger=part.name.trigger)
        for stream, behind in zip(self._streams, self._behind, strict=True):
            if behind.has(part.name):
                for found in stream.add(place, part.outcome):
                    yield (
                        "process_shift",
                        partial(write_hit, self._records, stream.frozen, found, part.utc),
                    )

    def _write(self) -> None:
        """Writes what waits; where the disk takes nothing it waits on, and counts as standing."""
        while self._unwritten:
            name, write = self._unwritten[0]
            try:
                written = write()
            except LedgerError as error:
                self._disk = str(error)
                return
            self._disk = ""
            self._unwritten.pop(0)
            self._found[name] += written is not None


def _in_words(said: list[str], count: int) -> str:
    if not count:
        return ""
    last = said[-1] if said else "found, and not on the disk yet"
    return last if count == 1 else f"{last}; {count} such alarms stand"
