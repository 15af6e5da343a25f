"""Which state a line is in, and since when. What is not known never looks like a line at work."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timezone
from enum import Enum

from taktsight.inspect.review.live.book import RunBook
from taktsight.inspect.review.live.metrics import Metrics

FRESH_S = 5.0
"""A row that is younger proves that its line lives."""
SILENT_S = 60.0
"""Where parts come when they come."""
MIN_SILENT_S = 10.0
SILENT_TAKTS = 10
"""Where they come in a takt."""


class State(str, Enum):
    """What the wall calls it."""

    ARMED = "armed"
    HOLDING = "holding"
    STARTING = "starting"
    STOPPED = "stopped"
    SILENT = "silent"
    UNKNOWN = "unknown"


class Note(str, Enum):
    """What is said beside it."""

    NOTHING = ""
    NEVER = "never"
    """The ledger holds no row."""
    CLOSED = "closed"
    """It was stopped, and closed its records."""
    BROKEN_OFF = "broken_off"
    """It ended without closing its records: it was killed, or the power was cut."""
    NO_PART = "no_part"
    """The line lives, and no part comes."""
    UNHEARD = "unheard"
    """Nothing is written, and nobody can say whether it lives."""
    GOLDEN = "golden"
    TRIGGER_LOST = "trigger_lost"
    NO_LEDGER = "no_ledger"
    """The ledger cannot be read."""
    READING = "reading"
    """A long run is being read; numbers are not those of now."""


@dataclass(frozen=True, slots=True)
class LineState:
    """A state, and since when."""

    state: State
    note: Note = Note.NOTHING
    since_utc: str = ""
    """Empty where nobody knows."""
    said: str = ""
    """The line's own words, where it has some."""


def state_of(
    book: RunBook, *, holds_lock: bool | None, metrics: Metrics | None, silent_s: float, now: datetime
) -> LineState:
    """The state of the run that was written to last.

    Args:
        book: what the ledger says.
        holds_lock: whether a process of this computer writes these records; None where nobody can tell.
        metrics: the line's meters, where it shows them.
        silent_s: after so long without a row it is silent.
        now: the wall clock.
    """
    heard = metrics.state if metrics is not None else ""
    of_run = metrics if metrics is not None and metrics.run == book.run else None
    if heard in ("starting", "armed") and of_run is None:
        return LineState(State.STARTING)
    if not book.run:
        return LineState(State.STARTING) if holds_lock else LineState(State.STOPPED, Note.NEVER)
    age_s = seconds_since(book.utc, now)
    if book.closed_utc:
        is_next = bool(holds_lock) and age_s > FRESH_S and of_run is None
        stopped = LineState(State.STOPPED, Note.CLOSED, book.closed_utc)
        return LineState(State.STARTING) if is_next else stopped
    is_alive = of_run is not None or abs(age_s) < FRESH_S or holds_lock
    return _open(book, of_run, silent_s, now, is_alive=is_alive)


def _open(
    book: RunBook, metrics: Metrics | None, silent_s: float, now: datetime, *, is_alive: bool | None
) -> LineState:
    """Of a run that has not closed its records."""
    if is_alive is False:
        return LineState(State.STOPPED, Note.BROKEN_OFF, book.utc)
    last_utc = book.part_utc or book.armed_utc or book.utc
    held = _held(book, metrics)
    if held is not None and is_alive:
        return held
    # A row from the future (a clock was set back) proves no more than an old one.
    if not -silent_s <= seconds_since(last_utc, now) <= silent_s:
        return LineState(State.SILENT, Note.NO_PART if is_alive else Note.UNHEARD, last_utc)
    return LineState(State.ARMED, since_utc=book.armed_utc) if book.armed_utc else LineState(State.STARTING)


def _held(book: RunBook, metrics: Metrics | None) -> LineState | None:
    if metrics is not None and metrics.value("trigger_lost"):
        return LineState(State.HOLDING, Note.TRIGGER_LOST)
    is_held = bool(metrics.value("golden_held")) if metrics is not None else bool(book.held)
    return LineState(State.HOLDING, Note.GOLDEN, book.held_utc, book.held) if is_held else None


def silent_after_s(takt_ms: float | None) -> float:
    """After how long without a part a line is silent."""
    return SILENT_S if takt_ms is None else max(MIN_SILENT_S, SILENT_TAKTS * takt_ms / 1000)


def seconds_since(utc: str, now: datetime) -> float:
    """Age of a row; endless where its time cannot be read."""
    try:
        moment = datetime.fromisoformat(utc)
    except ValueError:
        return float("inf")
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=timezone.utc)
    return (now - moment).total_seconds()
