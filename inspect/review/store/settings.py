"""What an engineer or admin sets for the review bench; each change stands in the log."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass

from taktsight.errors import ReviewError

Value = float | int | bool


@dataclass(frozen=True, slots=True)
class Settings:
    """All of them, with what holds where nobody set anything."""

    blind_share: float = 0.05
    """Of the decided parts, the share that comes back blind to another reviewer."""
    known_share: float = 0.02
    """Of the parts shown, the share whose truth is known."""
    session_h: float = 12.0
    """A session ends so many hours after it began."""
    idle_min: float = 30.0
    """A session ends so many minutes after its last request."""
    claim_s: float = 120.0
    """A part that somebody looks at is offered to nobody else for so long."""
    cost_escape: float = 100.0
    """What a defective part that passed costs, in units of a good part that was rejected."""
    cost_overkill: float = 1.0
    """What a good part that was rejected costs."""
    quota_reject: float = 0.3
    """Share of the queue for rejects; quotas are divided by their sum."""
    quota_review: float = 0.25
    """Share of the queue for the unsure band."""
    quota_uninspected: float = 0.1
    """Share of the queue for parts that nobody looked at."""
    quota_audit: float = 0.15
    """Share of the queue for the audit sample."""
    quota_disagreement: float = 0.1
    """Share of the queue for parts on which people disagree."""
    quota_drift: float = 0.1
    """Share of the queue for parts that look unlike those of before."""


BOUNDS: dict[str, tuple[float, float]] = {
    "blind_share": (0.05, 1.0),
    "known_share": (0.0, 0.5),
    "session_h": (0.1, 24.0),
    "idle_min": (1.0, 240.0),
    "claim_s": (5.0, 3600.0),
    "cost_escape": (0.0, 1e6),
    "cost_overkill": (0.0, 1e6),
    "quota_reject": (0.0, 1.0),
    "quota_review": (0.0, 1.0),
    "quota_uninspected": (0.0, 1.0),
    "quota_audit": (0.0, 1.0),
    "quota_disagreement": (0.0, 1.0),
    "quota_drift": (0.0, 1.0),
}
"""Least and most of each setting."""


def checked(key: str, new: Value) -> float:
    """A setting's new value.

    Raises:
        ReviewError: If there is no such setting, or it cannot have that value.
    """
    if key not in BOUNDS:
        raise ReviewError(f"there is no setting {key[:80]!r}; there are {', '.join(BOUNDS)}")
    least, most = BOUNDS[key]
    if isinstance(new, bool) or not isinstance(new, (int, float)) or not least <= new <= most:
        raise ReviewError(f"setting {key}: {new!r} is not a number of {least:g} to {most:g}")
    return float(new)


def settings_of(rows: Iterable[tuple[str, str]]) -> Settings:
    """Of the table's keys and JSON values; what stands there no more is left out."""
    known = asdict(Settings())
    return Settings(**known | {key: json.loads(value) for key, value in rows if key in known})
