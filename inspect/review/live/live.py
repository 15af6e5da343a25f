"""One look at a station: its ledger read on, its lock, its meters, put together to what the wall shows.

Nothing runs by itself here: whoever looks makes the look, one at a time and no oftener than ``LOOK_S``. So
a wall costs nothing while nobody stands before it, and a hundred walls cost no more than one.
"""

from __future__ import annotations

import logging
import re
import threading
import time
from collections import Counter
from collections.abc import Callable
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING

from taktsight.errors import LedgerError, ReviewError
from taktsight.inspect.review.live.book import RunBook, take
from taktsight.inspect.review.live.disk import Disk
from taktsight.inspect.review.live.health import image_health
from taktsight.inspect.review.live.lock import is_held
from taktsight.inspect.review.live.metrics import Metrics, read_metrics
from taktsight.inspect.review.live.standing import Alarms, alarms_of_drift
from taktsight.inspect.review.live.state import LineState, Note, State, silent_after_s, state_of
from taktsight.inspect.review.live.station_files import StationFile, StationFiles
from taktsight.inspect.review.live.values import Cycle, Judging, Standing, Tile, Wall
from taktsight.inspect.review.parts.index import PartIndex
from taktsight.inspect.review.parts.ledger_reader import CHUNK, LedgerReader

if TYPE_CHECKING:
    from taktsight.inspect.config import Station

log = logging.getLogger(__name__)

LOOK_S = 0.4
METERS_S = 2.0
"""The meters are asked no oftener: a look costs the line's computer some milliseconds at low priority."""
DRIFT_S = 10.0
MAX_ROWS = 200_000
"""Of a run that was going on when the first look was made, so many of its last rows are counted."""
MAX_CHUNKS = 8
"""Of one look. With more to read the wall says how far it is."""
NEVER_S = -1e9


class Live:
    """One station. Any thread may look."""

    def __init__(
        self,
        index: PartIndex,
        station_file: Path | None = None,
        *,
        clock: Callable[[], datetime] = lambda: datetime.now(timezone.utc),
    ) -> None:
        """``index``: of the station's records. ``station_file``: says takt, deadline, bands and meters."""
        self._index = index
        self._files = StationFiles(station_file)
        self._clock = clock
        self.disk = Disk(index.records)
        self._lock = threading.Lock()
        self._book = RunBook()
        self._begun = False
        self._alarms = Alarms()
        self._drift: tuple[float, list[Standing]] = (NEVER_S, [])
        self._meters: tuple[float, Metrics | None, str] = (NEVER_S, None, "")
        self._look: tuple[float, Wall] = (NEVER_S, Wall(()))

    @property
    def ledger(self) -> LedgerReader:
        """The line's records, read-only."""
        return self._index.ledger

    @property
    def judging(self) -> Judging:
        """What judges now, as of the last look."""
        book = self._book
        return Judging(book.bundle, book.recipe, book.facts)

    @property
    def files(self) -> StationFile:
        """Station file and recipe as they are now."""
        with self._lock:
            return self._files.read()

    def look(self) -> Wall:
        """How the station is doing; what was seen a moment ago where somebody else just looked."""
        with self._lock:
            now_s = time.monotonic()
            if now_s - self._look[0] >= LOOK_S:
                self._look = (now_s, Wall((self._tile(now_s),)))
            return self._look[1]

    def metrics(self) -> Metrics | None:
        """The meters, where the line shows them and is this station's."""
        with self._lock:
            return self._read_meters(time.monotonic(), self._files.read())[0]

    def _tile(self, now_s: float) -> Tile:
        files, now = self._files.read(), self._clock()
        metrics, silent_meters = self._read_meters(now_s, files)
        try:
            is_current = self._read_on()
            reading = LineState(State.UNKNOWN, Note.READING, self._book.utc)
            state = self._state(files, metrics, now) if is_current else reading
        except LedgerError as error:
            log.warning("%s", error)
            state = LineState(State.UNKNOWN, Note.NO_LEDGER, self._book.utc, str(error))
        running = metrics if metrics is not None and metrics.run == self._book.run else None
        alarms = self._alarms.of_line(self._book, running, now) + self._drift_alarms(now_s)
        is_blind = silent_meters and state.state not in (State.STOPPED, State.UNKNOWN)
        for why in (files.wrong, files.wrong_recipe, silent_meters if is_blind else ""):
            alarms += [Standing("bench", "", why)] if why else []
        return self._put_together(files, running, state, tuple(alarms))

    def _put_together(
        self, files: StationFile, metrics: Metrics | None, state: LineState, alarms: tuple[Standing, ...]
    ) -> Tile:
        book = self._book
        name = files.station.name if files.station is not None else book.station
        newest, flagged = [*book.newest][::-1], [*book.flagged][::-1]
        try:
            self._index.follow()  # it knows the names of labels
            parts = {part.seq: part for part in self._index.parts([*dict.fromkeys(newest + flagged)])}
        except LedgerError as error:  # of a ledger the state says it; the wall does without an index
            log.warning("%s", error)
            parts = {}
        unrecorded = None if metrics is None else metrics.count("unrecorded_entries")
        return Tile(
            name=name,
            slug=slug_of(name),
            state=state,
            run=book.run,
            counts=Counter(book.counts),
            counted_since_utc=book.armed_utc if book.is_whole and book.armed_utc else book.first_utc,
            is_whole=book.is_whole,
            recent=Counter(book.outcomes),
            cycle=_cycle(book, files, metrics),
            health=image_health(book, files),
            alarms=alarms,
            newest=tuple(parts[seq] for seq in newest if seq in parts),
            flagged=tuple(parts[seq] for seq in flagged if seq in parts),
            part_utc=book.part_utc,
            has_meters=metrics is not None,
            unrecorded=unrecorded,
            deadline_misses=None if metrics is None else metrics.count("deadline_misses_total"),
            seq=book.seq,
        )

    def _state(self, files: StationFile, metrics: Metrics | None, now: datetime) -> LineState:
        takt_ms = files.station.takt_ms if files.station is not None else None
        return state_of(
            self._book,
            holds_lock=is_held(self._index.records),
            metrics=metrics,
            silent_s=silent_after_s(takt_ms),
            now=now,
        )

    def _read_on(self) -> bool:
        """Takes in the rows since the last look, in short questions; False where there are more."""
        ledger, book = self._index.ledger, self._book
        if not ledger.is_there:
            if self._begun:
                raise LedgerError("the ledger is no longer there")
            return True
        if not self._begun or (book.digest and ledger.digest_at(book.seq) != book.digest):
            self._begin()  # for the first time, or another ledger lies there
        for _ in range(MAX_CHUNKS):
            rows = ledger.rows_after(self._book.seq)
            self._book = take(self._book, rows)
            if len(rows) < CHUNK:
                return True
        return False

    def _begin(self) -> None:
        """At the run that was written to last; at its last rows, where it has very many."""
        ledger = self._index.ledger
        head, _ = ledger.head()
        rows = ledger.by_seq([head]) if head else {}
        if not rows:
            self._book, self._begun = RunBook(), True
            return
        run = rows[head]["run"]
        armed = ledger.run_of(run, "armed")
        first = armed[0]["seq"] if armed else max(1, head - CHUNK)
        book = RunBook(run=run, seq=first - 1)
        if head - first > MAX_ROWS:
            kinds = ("armed", "fault", "golden", "changeover")
            rows_of = (row for kind in kinds for row in ledger.run_of(run, kind))
            said = sorted(rows_of, key=lambda row: row["seq"])
            start = head - MAX_ROWS
            book = take(book, [row for row in said if row["seq"] <= start])
            book.seq, book.is_whole = start, False
        self._book, self._begun = book, True

    def _read_meters(self, now_s: float, files: StationFile) -> tuple[Metrics | None, str]:
        """The meters, and why there are none although the station file names where they are."""
        station = files.station
        if station is None or station.metrics is None:
            return None, ""
        if now_s - self._meters[0] >= METERS_S:
            self._meters = (now_s, *_meters_of(station))
        return self._meters[1], self._meters[2]

    def _drift_alarms(self, now_s: float) -> list[Standing]:
        if now_s - self._drift[0] >= DRIFT_S:
            self._drift = (now_s, alarms_of_drift(self._index.records))
        return self._drift[1]


def _meters_of(station: Station) -> tuple[Metrics | None, str]:
    """The meters, or why there are none; those of another line are none."""
    if station.metrics is None:
        return None, ""
    try:
        metrics = read_metrics(station.metrics)
    except ReviewError as error:
        return None, str(error)
    if metrics.station != station.name:
        return None, f"metrics at port {station.metrics.port} are those of {metrics.station!r}"
    return metrics, ""


def _cycle(book: RunBook, files: StationFile, metrics: Metrics | None) -> Cycle:
    times = sorted(book.cycles_ns)
    deadline_ms = files.station.deadline_ms if files.station is not None else None
    takt_ms = files.station.takt_ms if files.station is not None else None
    if metrics is not None:  # what runs, where the file was changed since
        deadline_ms = _milliseconds(metrics.value("deadline_seconds")) or deadline_ms
        takt_ms = _milliseconds(metrics.value("takt_seconds")) or takt_ms
    return Cycle(
        p50_ms=percentile_ms(times, 50),
        p99_ms=percentile_ms(times, 99),
        max_ms=times[-1] / 1e6 if times else None,
        parts=len(times),
        takt_ms=takt_ms,
        deadline_ms=deadline_ms,
    )


def percentile_ms(times_ns: list[int], percent: int) -> float | None:
    """The time that so many of a hundred stayed within, of sorted ones; None of none.

    >>> percentile_ms([1_000_000, 2_000_000, 9_000_000], 50)
    2.0
    """
    if not times_ns:
        return None
    place = -(-len(times_ns) * percent // 100) - 1
    return times_ns[max(place, 0)] / 1e6


def _milliseconds(seconds: float | None) -> float | None:
    return seconds * 1000 if seconds else None


def slug_of(name: str) -> str:
    """A name as an address has it.

    >>> slug_of("press 4 / left")
    'press-4-left'
    """
    return re.sub(r"[^\w]+", "-", name).strip("-").casefold() or "station"
