"""What the ledger says of the run that was written to last: row by row, as they come."""

from __future__ import annotations

import json
from collections import Counter, deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from taktsight.inspect.review.parts.ledger_reader import Row, parsed
from taktsight.records import Outcome

WINDOW_PARTS = 1000
"""Cycle times and image health are those of so many parts at most: of now, not of the morning."""
SHOWN_PARTS = 6
FLAGGED_PARTS = 3
_OUT_OF_BAND = ('"out of band: ', '"alarm: ', '"torn: ')
"""How the reasons of a part begin whose frames were not as they must be."""


@dataclass(frozen=True, slots=True)
class Raised:
    """An alarm that the ledger has no end of."""

    name: str
    why: str
    utc: str


@dataclass(slots=True)
class RunBook:
    """One run, up to the last row that was taken."""

    run: str = ""
    station: str = ""
    facts: tuple[str, ...] = ()
    """What the line said of itself when it was armed."""
    armed_utc: str = ""
    closed_utc: str = ""
    first_utc: str = ""
    """Of the first part that was counted here."""
    is_whole: bool = True
    """False where parts of the run came before the first that was counted here."""
    seq: int = 0
    digest: str = ""
    """Of the last row; empty before one was taken."""
    utc: str = ""
    """Of the last row."""
    part_utc: str = ""
    """Of the last part's verdict; empty while there is none."""
    bundle: str = ""
    recipe: str = ""
    held: str = ""
    """Why the line holds, in its own words; empty where it does not."""
    held_utc: str = ""
    counts: Counter[Outcome] = field(default_factory=Counter)
    raised: dict[str, Raised] = field(default_factory=dict)
    faults: int = 0
    late: int = 0
    changeovers: int = 0
    cycles_ns: deque[int] = field(default_factory=lambda: deque(maxlen=WINDOW_PARTS))
    outcomes: deque[Outcome] = field(default_factory=lambda: deque(maxlen=WINDOW_PARTS))
    is_out: deque[bool | None] = field(default_factory=lambda: deque(maxlen=WINDOW_PARTS))
    """Of each part: was a frame out of band? None where nothing was measured and nothing said."""
    newest: deque[int] = field(default_factory=lambda: deque(maxlen=SHOWN_PARTS))
    """Rows of the last verdicts."""
    flagged: deque[int] = field(default_factory=lambda: deque(maxlen=FLAGGED_PARTS))
    """Rows of the last verdicts that are not PASS."""
    measured: str = ""
    """Health of the last part that was measured, as the ledger has it."""
    measured_utc: str = ""

    @property
    def parts(self) -> int:
        """So many were counted."""
        return sum(self.counts.values())

    @property
    def health(self) -> Mapping[str, Mapping[str, float]]:
        """View → measure → value, of the last part that was measured."""
        found: dict[str, dict[str, float]] = parsed({"health": self.measured}, "health")
        return {view: values for view, values in found.items() if isinstance(values, dict)}


def take(book: RunBook, rows: Sequence[Row]) -> RunBook:
    """The book with more rows, in order; a new one where a new run begins."""
    for row in rows:
        if row["run"] != book.run:
            book = RunBook(run=row["run"])
        book.seq, book.utc, book.digest = row["seq"], row["utc"], row["digest"]
        book.bundle, book.recipe = row["bundle"] or book.bundle, row["recipe"] or book.recipe
        _TAKE.get(row["kind"], _nothing)(book, row)
    return book


def _armed(book: RunBook, row: Row) -> None:
    book.armed_utc, book.facts = row["utc"], tuple(map(str, parsed(row, "reasons")))
    named = [said.removeprefix("station ") for said in book.facts if said.startswith("station ")]
    book.station = named[0] if named else ""


def _closed(book: RunBook, row: Row) -> None:
    book.closed_utc, book.held = row["utc"], ""


def _verdict(book: RunBook, row: Row) -> None:
    outcome = _outcome(row["outcome"])
    book.counts[outcome] += 1
    book.outcomes.append(outcome)
    book.part_utc = row["utc"]
    book.first_utc = book.first_utc or row["utc"]
    if row["cycle_ns"] is not None:
        book.cycles_ns.append(row["cycle_ns"])
    book.newest.append(row["seq"])
    if outcome is not Outcome.PASS:
        book.flagged.append(row["seq"])
    _measured(book, row)
    is_out = any(begins in row["reasons"] for begins in _OUT_OF_BAND)
    is_measured = bool(row.get("health")) or book.measured_utc == row["utc"]
    book.is_out.append(is_out if is_out or is_measured else None)


def _judged(book: RunBook, row: Row) -> None:
    _measured(book, row)


def _measured(book: RunBook, row: Row) -> None:
    if row.get("health"):
        book.measured, book.measured_utc = row["health"], row["utc"]


def _late(book: RunBook, _row: Row) -> None:
    book.late += 1


def _fault(book: RunBook, row: Row) -> None:
    said = _first(row)
    if not said.startswith("alarm "):
        book.faults += 1
        return
    name, _, why = said.removeprefix("alarm ").partition(": ")
    if why.startswith("over after "):
        book.raised.pop(name, None)
    else:
        book.raised[name] = Raised(name, why, row["utc"])


def _golden(book: RunBook, row: Row) -> None:
    said = _first(row)
    if said.startswith("held: "):
        book.held, book.held_utc = said, row["utc"]
    elif said.startswith("golden-part check passed"):
        book.held = ""


def _changeover(book: RunBook, _row: Row) -> None:
    book.changeovers += 1


def _nothing(_book: RunBook, _row: Row) -> None:
    """A kind of row that says nothing of now."""


_TAKE = {
    "armed": _armed,
    "closed": _closed,
    "verdict": _verdict,
    "judged": _judged,
    "late": _late,
    "fault": _fault,
    "golden": _golden,
    "changeover": _changeover,
}


def _outcome(value: Any) -> Outcome:
    """What cannot be read was not looked at."""
    try:
        return Outcome(value)
    except ValueError:
        return Outcome.UNINSPECTED


def _first(row: Row) -> str:
    try:
        reasons = json.loads(row["reasons"])
    except ValueError:
        return ""
    return str(reasons[0]) if isinstance(reasons, list) and reasons else ""
