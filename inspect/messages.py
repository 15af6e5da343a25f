"""What the line's processes say to each other. Small, frozen; frames cross in the ring, never here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from taktsight.inspect.ring import Slot
from taktsight.records import Outcome, Verdict

if TYPE_CHECKING:  # the recorder shall be ready before vision, so it imports no configuration
    from taktsight.inspect.config import Station

EntryKind = Literal["armed", "judged", "verdict", "late", "fault", "golden", "changeover", "closed"]
"""``verdict``: what the gate was told; ``judged``, in strict mode: what it shall be told once this row is
on the disk."""


@dataclass(frozen=True, slots=True)
class StartVision:
    """Line → vision: the first message."""

    station: Station
    today: date
    """In UTC, when the line was started: a restart of vision at night is no new start."""
    versions: Path | None
    """Folder that remembers which version of the product runs, from its first part on; None where nothing
    is to be remembered: in a replay, which moves no gate."""
    outlook: int = 0
    """Number of the changeover that the station's bundle and recipe came with; 0 from the start."""


@dataclass(frozen=True, slots=True)
class ImageRules:
    """Which frames are kept and how much room they get, as the station says."""

    keep: tuple[Outcome, ...]
    pass_every: int
    max_mb: float
    max_age_days: float
    reserve_mb: float
    max_age_days_of: Mapping[Outcome, float] = field(default_factory=dict)
    core_share: float = 1.0


@dataclass(frozen=True, slots=True)
class StartRecorder:
    """Line → recorder: the first message."""

    run: str
    """Names the run in the ledger and the image folder."""
    folder: Path
    images: ImageRules


@dataclass(frozen=True, slots=True)
class Refused:
    """Vision, recorder or quality watch → line: it cannot take up service, and why."""

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
    engine: tuple[str, ...] = ()
    """What computes the scores, and on what, in sentences: the same bits need the same of it."""


@dataclass(frozen=True, slots=True)
class Exposed:
    """Vision → line: a camera that the part's own sensor triggers has exposed a frame. This is the trigger:
    the line opens the part, and asks for it by :class:`Expose` with the same ``captured_ns``.
    """

    camera: str
    counter: int
    """The camera's own count of frames: a gap is a part that nobody saw."""
    captured_ns: int
    """Start of the exposure; monotonic clock of this computer, ns."""


@dataclass(frozen=True, slots=True)
class Watched:
    """Vision → line, several times a second: is the camera there that is the trigger?"""

    camera: str
    lost: str
    """Why none of its frames will come; "" while it is there."""


@dataclass(frozen=True, slots=True)
class Expose:
    """Line → vision: a part is there."""

    trigger: int
    captured_ns: int
    """Monotonic clock at the trigger, ns."""
    answer_by_ns: int
    """Monotonic clock, ns: a verdict after this moment never reaches the gate."""
    outlook: int = 0
    """Number of the changeover whose bundle and recipe judge it; 0 before the first."""


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
    health: dict[str, dict[str, float]] = field(default_factory=dict)
    """View → measure → value; empty where the recipe asks for nothing."""
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
    health: dict[str, dict[str, float]] = field(default_factory=dict)
    number: int = 0
    """Consecutive within the run, from 1: sent again after a crash, it is written once."""
    bundle: str = ""
    """Digest of the bundle that judged."""
    recipe: str = ""
    """Digest of the recipe it was judged by."""
    frames: dict[str, str] = field(default_factory=dict)
    """Camera → SHA-256 of the pixels it was judged by, where they are kept; the recorder fills it in."""


@dataclass(frozen=True, slots=True)
class StartArchive:
    """Recorder → archive: the first message."""

    folder: Path
    images: ImageRules
    newest_utc: str | None = None
    """When the newest record of the runs before was written; None where there is none."""


@dataclass(frozen=True, slots=True)
class StoreImage:
    """Recorder → archive: a frame lies in the tray."""

    run: str
    trigger: int
    outcome: str
    sha256: str
    """Of its pixels."""
    slot: Slot


@dataclass(frozen=True, slots=True)
class TrayFree:
    """Archive → recorder: the next frame may come."""

    is_stored: bool
    """Else the frame was shed."""


@dataclass(frozen=True, slots=True)
class ImageRows:
    """Archive → recorder: images that were written or removed, for the ledger's table."""

    rows: tuple[Mapping[str, Any], ...]


@dataclass(frozen=True, slots=True)
class MakeWay:
    """Recorder → archive: the ledger cannot be written."""


@dataclass(frozen=True, slots=True)
class RecorderReady:
    """Recorder → line: the ledger is open."""


@dataclass(frozen=True, slots=True)
class Acknowledge:
    """Recorder → line: every entry up to this one is on the disk."""

    number: int


@dataclass(frozen=True, slots=True)
class Prepare:
    """Line → vision: get ready to judge by other files, beside those that judge now."""

    number: int
    """Of the changeover, consecutive from 1."""
    station: Station
    today: date
    versions: Path | None
    """As in :class:`StartVision`."""


@dataclass(frozen=True, slots=True)
class Prepared:
    """Vision → line: parts that are exposed with this number are judged by the new ones."""

    number: int
    ready: VisionReady


@dataclass(frozen=True, slots=True)
class NotPrepared:
    """Vision → line: the new ones are not as they must be; the old ones judge on."""

    number: int
    message: str


@dataclass(frozen=True, slots=True)
class StartWatch:
    """Line → quality watch: the first message."""

    records: Path
    drift: Path | None
    """The frozen reference."""
    spc: tuple[Path, ...]
    """Files of frozen limits."""
    is_waited_for: bool
    """The line arms once it has said what stands, so it does not yield before."""


@dataclass(frozen=True, slots=True)
class Standing:
    """Quality watch → line, every other second at least: what stands now, whoever found it."""

    count: Mapping[str, int]
    """Name of an alarm of the line → how many of its kind nobody has cleared."""
    why: Mapping[str, str]
    """The same → the last of them, in a sentence."""
    found: Mapping[str, int]
    """The same → how many were found since the message before."""
    blind: str
    """Why something is not watched; "" where everything is."""


@dataclass(frozen=True, slots=True)
class Stop:
    """Line → vision, recorder or quality watch, recorder → archive: finish what you have, then end."""


Message = (
    StartVision
    | StartRecorder
    | Refused
    | VisionReady
    | Exposed
    | Watched
    | Expose
    | Result
    | Entry
    | StartArchive
    | StoreImage
    | TrayFree
    | ImageRows
    | MakeWay
    | RecorderReady
    | Acknowledge
    | Prepare
    | Prepared
    | NotPrepared
    | StartWatch
    | Standing
    | Stop
)
