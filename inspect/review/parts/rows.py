"""A part as its pages show it, and which parts somebody asks for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from taktsight.inspect.review.store.values import PartKey, Why
from taktsight.records import Outcome


@dataclass(frozen=True, slots=True)
class FrameRef:
    """A kept frame of a part. Pages name it by its id alone; the rest never leaves the server."""

    image_id: str
    """Opaque; see :mod:`taktsight.inspect.review.pictures.ids`."""
    view: str
    file: str
    """Relative to the records."""
    sha256: str
    """Of the pixels that were judged, as the chained row has it; "" where it has none."""
    width: int
    """Pixels; 0 where the file is gone, or is no image."""
    height: int
    is_kept: bool = True
    """Whether the file was there when the row was read."""


@dataclass(frozen=True, slots=True)
class PartRow:
    """One part of the ledger."""

    key: PartKey
    serial: str | None
    utc: str
    """Of its verdict."""
    outcome: Outcome
    """What the gate was told."""
    reasons: tuple[str, ...]
    cycle_ms: float | None
    deadline_ms: float | None
    """None where nobody said: the ledger has no deadline."""
    scores: Mapping[str, Mapping[str, float]]
    """View → label → part score, 0–1; empty where nobody judged it."""
    health: Mapping[str, Mapping[str, float]]
    """View → measure → value."""
    bundle: str
    """Digest of the bundle that judged it."""
    recipe: str
    frames: Mapping[str, FrameRef]
    """View → frame, of those that are or were kept."""
    station: str
    lot: str | None
    label: str | None = None
    """What it was flagged for; of a part that passed, the label of its highest score."""
    judged: Outcome | None = None
    """What was judged, where the gate was told something else: too late, or not in the ledger in time."""
    judged_reasons: tuple[str, ...] = ()
    seq: int = 0
    """Of its verdict's row in the ledger; 0 of a part that is in none."""


@dataclass(frozen=True, slots=True)
class Filters:
    """Which parts; what is left out restricts nothing."""

    outcomes: frozenset[Outcome] = frozenset()
    label: str | None = None
    lot: str | None = None
    station: str | None = None
    run: str | None = None
    serial: str = ""
    """Its beginning; upper and lower case are one."""
    since: datetime | None = None
    until: datetime | None = None
    """Exclusive."""
    whys: frozenset[Why] = frozenset()
    """Of parts in the queue, for which they wait; a search does not ask for it."""


@dataclass(frozen=True, slots=True)
class Found:
    """What a search found. Iterating gives the rows."""

    rows: tuple[PartRow, ...] = ()
    is_all: bool = True
    """False where there are more, or where the search ended before it had looked at every part: restrict
    it further, or go on from ``next``."""
    next: str | None = None
    """Continues the search."""

    def __iter__(self) -> Iterator[PartRow]:
        return iter(self.rows)

    def __len__(self) -> int:
        return len(self.rows)


EVERY = Filters()
