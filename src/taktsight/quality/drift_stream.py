"""Parts as they came by, and the columns of numbers that drift is looked for in."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from taktsight.records import Outcome

Floats = NDArray[np.float64]
Kind = Literal["health", "score"]

MEASURES = (
    "focus",
    "mean_level",
    "dark_share",
    "bright_share",
    "shift_x_px",
    "shift_y_px",
    "likeness",
)
"""Of image health, that are watched. A seam is a fault of one frame, and a shift has a direction."""


@dataclass(frozen=True, slots=True)
class PartName:
    """Where a part stands in the ledger."""

    run: str
    trigger: int

    def __str__(self) -> str:
        return f"{self.trigger:,}".replace(",", " ")


@dataclass(frozen=True, slots=True)
class SeenPart:
    """What the ledger says of one part."""

    name: PartName
    utc: str
    outcome: Outcome
    bundle: str
    """Digest of the bundle that judged it."""
    recipe: str
    digest: str
    """Of its row in the ledger's chain."""
    scores: Mapping[str, tuple[float, ...]] = field(default_factory=dict)
    """View → K part scores, 0–1; empty where nobody judged it."""
    health: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    """View → measure → value; empty where nothing was measured."""


@dataclass(frozen=True, slots=True, order=True)
class Channel:
    """One column of numbers."""

    view: str
    kind: Kind
    name: str
    """A measure of image health, or a label."""

    def __str__(self) -> str:
        if self.kind == "health":
            return f"{_spoken(self.name)} of camera {self.view}"
        return f"score of {self.name} (camera {self.view})"


def _spoken(measure: str) -> str:
    return {
        "mean_level": "mean level",
        "dark_share": "share of black values",
        "bright_share": "share of saturated values",
        "shift_x_px": "place from left to right",
        "shift_y_px": "place from top to bottom",
        "likeness": "likeness to the reference",
    }.get(measure, measure)


def values_of(part: SeenPart, labels: Sequence[str]) -> Iterator[tuple[Channel, float]]:
    """Every number of a part that drift is looked for in."""
    for view, measured in part.health.items():
        for name in MEASURES:
            if name in measured:
                yield Channel(view, "health", name), measured[name]
    for view, scores in part.scores.items():
        for label, score in zip(labels, scores, strict=True):
            yield Channel(view, "score", label), score


def columns_of(parts: Iterable[SeenPart], labels: Sequence[str]) -> dict[Channel, Floats]:
    """Each column of the parts that have it, in the order in which they came; health first."""
    found: dict[Channel, list[float]] = {}
    for part in parts:
        for channel, value in values_of(part, labels):
            found.setdefault(channel, []).append(value)
    return {channel: np.array(found[channel], np.float64) for channel in sorted(found)}


def vector_of(part: SeenPart, channels: Sequence[Channel], labels: Sequence[str]) -> Floats | None:
    """(D,) the part's numbers in these columns, scores as logits; None where one is missing."""
    values = dict(values_of(part, labels))
    if not all(channel in values for channel in channels):
        return None
    return np.array([_opened(channel, values[channel]) for channel in channels], np.float64)


def _opened(channel: Channel, value: float) -> float:
    """Scores near 0 and 1 lie far apart as logits, and close together as they are."""
    if channel.kind != "score":
        return value
    kept = min(max(value, 1e-6), 1 - 1e-6)
    return float(np.log(kept / (1 - kept)))
