"""What the line's processes say to each other. Small, frozen; frames cross in the ring, never here."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from taktsight.inspect.ring import Slot
from taktsight.records import Outcome, Verdict

if TYPE_CHECKING:  # the recorder shall be ready before vision, so it imports no configuration
    from taktsight.inspect.config import Station

EntryKind = Literal["armed", "verdict", "late", "fault", "closed"]


@dataclass(frozen=True, slots=True)
class StartVision:
    """Line → vision: the first message."""

    station: Station
    today: date
    """In UTC, when the line was started: a restart of vision at night is no new start."""
    versions: Path | None
    """Folder that remembers which version of the product runs; None where nothing is to be remembered: in a
    replay, which moves no gate, and when vision is started anew."""


@dataclass(frozen=True, slots=True)
class ImageRules:
    """Which frames are kept and how much room they get, as the station says."""

    keep: tuple[Outcome, ...]
    pass_every: int
    max_mb: float
    max_age_days: float
    reserve_mb: float


@dataclass(frozen=True, slots=True)
class StartRecorder:
    """Line → recorder: the first message."""

    run: str
    """Names the run in the ledger and the image folder."""
    folder: Path
    images: ImageRules


@dataclass(frozen=True, slots=True)
class Refused:
    """Vision → line, recorder → line: it cannot take up service, and why."""

    error: str
    """Name of the class in :mod:`taktsight.errors`."""
    message: str


@dataclass(frozen=True, slots=True)
class VisionReady:
    """Vision → line: bundle verified, engine warm, golden samples replayed."""

    bundle_digest: str
    recipe_digest: str
    """The golden templates' content is in it."""
    template_digests: dict[str, str]
    """View → SHA-256 of its golden template; empty where nothing is compared."""
    labels: tuple[str, ...]
    parts: int | None
    """How many parts the cameras can show; None without end."""


@dataclass(frozen=True, slots=True)
class Expose:
    """Line → vision: a part is there."""

    trigger: int
    captured_ns: int
    """Monotonic clock at the trigger, ns."""
    answer_by_ns: int
    """Monotonic clock, ns: a verdict after this moment never reaches the gate."""


@dataclass(frozen=True, slots=True)
class Result:
    """Vision → line: what was seen of a part."""

    trigger: int
    verdict: Verdict
    serial: str | None = None
    scores: dict[str, tuple[float, ...]] = field(default_factory=dict)
    """View → K part scores, 0–1, in the bundle's order of labels."""
    stage_ns: dict[str, int] = field(default_factory=dict)
    slots: tuple[Slot, ...] = ()
    """Where its frames lie in the ring."""
    counts: dict[str, int] = field(default_factory=dict)
    """By how much its frames raise which meter."""


@dataclass(frozen=True, slots=True)
class Entry:
    """Line → recorder: one row of the ledger."""

    kind: EntryKind
    trigger: int | None = None
    serial: str | None = None
    outcome: str | None = None
    reasons: tuple[str, ...] = ()
    cycle_ns: int | None = None
    """Trigger → verdict at the gate; of a late result: trigger → result."""
    scores: dict[str, tuple[float, ...]] = field(default_factory=dict)
    stage_ns: dict[str, int] = field(default_factory=dict)
    slots: tuple[Slot, ...] = ()
    number: int = 0
    """Consecutive within the run, from 1: sent again after a crash, it is written once."""
    bundle: str = ""
    """Digest of the bundle that judged."""
    recipe: str = ""
    """Digest of the recipe it was judged by."""


@dataclass(frozen=True, slots=True)
class RecorderReady:
    """Recorder → line: the ledger is open."""


@dataclass(frozen=True, slots=True)
class Acknowledge:
    """Recorder → line: every entry up to this one is on the disk."""

    number: int


@dataclass(frozen=True, slots=True)
class Stop:
    """Line → vision, line → recorder: finish what you have, then end."""


Message = (
    StartVision
    | StartRecorder
    | Refused
    | VisionReady
    | Expose
    | Result
    | Entry
    | RecorderReady
    | Acknowledge
    | Stop
)
