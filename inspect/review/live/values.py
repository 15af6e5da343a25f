"""What the wall shows of a station: plain values, made once and read by everybody who looks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from taktsight.inspect.review.live.state import LineState, State
from taktsight.inspect.review.parts.rows import PartRow
from taktsight.records import Outcome


@dataclass(frozen=True, slots=True)
class Cycle:
    """Trigger → verdict at the gate, ms."""

    p50_ms: float | None
    """None where no part has come."""
    p99_ms: float | None
    max_ms: float | None
    parts: int
    """They are of so many, the last ones."""
    takt_ms: float | None
    """None where the parts say when they come, or nobody says."""
    deadline_ms: float | None
    """None where neither station file nor meters say it."""

    @property
    def is_late(self) -> bool:
        """Whether one part in a hundred is not answered in time."""
        return self._is_beyond(1.0)

    @property
    def is_tight(self) -> bool:
        """Whether it nearly is so."""
        return self._is_beyond(0.8)

    def _is_beyond(self, share: float) -> bool:
        if self.p99_ms is None or self.deadline_ms is None:
            return False
        return self.p99_ms > share * self.deadline_ms


@dataclass(frozen=True, slots=True)
class Standing:
    """An alarm that stands."""

    name: str
    """As docs/metrics.md has it; "drift" and "bench" are none of the line's."""
    since_utc: str
    """Empty where nobody says."""
    why: str = ""
    """In the words of whoever raised it."""


@dataclass(frozen=True, slots=True)
class ViewHealth:
    """Frames of one view."""

    view: str
    values: Mapping[str, float]
    """Measure → value, of the last part."""
    bands: Mapping[str, tuple[float | None, float | None]] | None
    """Measure → from, to; None where the bands that judge are not known here."""
    out: Mapping[str, str]
    """Measure → how the last part leaves its band."""


@dataclass(frozen=True, slots=True)
class ImageHealth:
    """Frames of the last parts."""

    views: tuple[ViewHealth, ...]
    """Empty where the recipe has nothing measured."""
    parts: int
    """So many of the last ones were measured, or said to be out of band."""
    out: int
    """Of these."""
    utc: str = ""
    why_no_bands: str = ""

    @property
    def has_bands(self) -> bool | None:
        """Whether any measure has a band; None where that is not known here."""
        if any(view.bands is None for view in self.views) or not self.views:
            return None
        return any(view.bands for view in self.views)

    @property
    def is_known(self) -> bool:
        """Whether anything can be said at all."""
        return self.parts > 0


@dataclass(frozen=True, slots=True)
class Tile:
    """One station."""

    name: str
    slug: str
    """Its name in an address."""
    state: LineState
    run: str
    counts: Mapping[Outcome, int]
    """Of the run, or of its parts since ``counted_since_utc``."""
    counted_since_utc: str
    is_whole: bool
    """False where counts leave out the run's first parts."""
    recent: Mapping[Outcome, int]
    """Of the last parts, so many as ``cycle`` is of."""
    cycle: Cycle
    health: ImageHealth
    alarms: tuple[Standing, ...]
    newest: tuple[PartRow, ...]
    """The newest part first."""
    flagged: tuple[PartRow, ...]
    """Of those that are not PASS."""
    part_utc: str
    has_meters: bool
    """Whether the running line's meters are read, or its ledger alone."""
    unrecorded: int | None
    """Entries that are not on the disk yet; None without meters."""
    deadline_misses: int | None
    seq: int = 0

    @property
    def is_old(self) -> bool:
        """Whether its numbers are those of before, not of a line at work."""
        return self.state.state in (State.STOPPED, State.SILENT, State.UNKNOWN)

    @property
    def parts(self) -> int:
        """All that were counted."""
        return sum(self.counts.values())

    @property
    def passed_share(self) -> float | None:
        """PASS ÷ all parts, those that nobody looked at among them; None of no part."""
        return self.counts[Outcome.PASS] / self.parts if self.parts else None

    @property
    def recent_share(self) -> float | None:
        """The same of the last parts."""
        parts = sum(self.recent.values())
        return self.recent[Outcome.PASS] / parts if parts else None


@dataclass(frozen=True, slots=True)
class Judging:
    """What parts are judged by."""

    bundle: str
    """Digest; empty where no row says it."""
    recipe: str
    facts: tuple[str, ...]
    """What the line said of itself when it was armed."""


@dataclass(frozen=True, slots=True)
class Wall:
    """Every station, at one moment."""

    tiles: tuple[Tile, ...]
