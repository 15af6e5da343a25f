"""What an alarm means, in words: image health before the product, and what speaks for it.

A camera that lost its focus moves the scores, and a new batch of steel moves them too. So whatever alarms,
the image health of the same parts is looked at; only where that is steady it is the product, or the model's
view of it.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from taktsight.quality.drift_stream import Channel, PartName

Cause = Literal["lens dirt", "image health", "product", "unknown"]
RANKS: tuple[Cause, ...] = ("lens dirt", "image health", "product", "unknown")
"""In the order in which they are to be looked into."""
MOVED_Z = 3.0
"""Mean score ÷ its standard error, from which a measure has moved with the alarm: by chance one measure in
370 does."""
LOOK_INTO = {
    ("focus", False): "the lens is out of focus or dirty, or the part's distance changed",
    ("focus", True): "the part's surface or distance changed, or somebody focused anew",
    ("mean_level", False): "less light: a lamp that fades, dirt, or a darker part",
    ("mean_level", True): "more light: a lamp, stray light, or a brighter part",
    ("dark_share", True): "parts of the frame are black: light, cover, or the part's place",
    ("bright_share", False): "less light, or a lens that spreads bright edges",
    ("bright_share", True): "parts of the frame are saturated: light, exposure or a shinier part",
    ("shift_x_px", True): "camera or fixture has moved to the side",
    ("shift_x_px", False): "camera or fixture has moved to the side",
    ("shift_y_px", True): "camera, fixture or trigger has moved",
    ("shift_y_px", False): "camera, fixture or trigger has moved",
    ("likeness", False): "parts look less like the reference: another product, or something in view",
}
"""Measure, and whether it rose → where to look."""


@dataclass(frozen=True, slots=True)
class Moved:
    """How far a column has moved over some parts."""

    channel: Channel
    before: float
    """Median of the reference."""
    now: float
    """Median of these parts."""
    sigma: float
    """Mean normal score: the shift in standard deviations of the reference."""
    z: float
    """The same ÷ its standard error."""

    @property
    def is_marked(self) -> bool:
        """Whether it is no chance."""
        return abs(self.z) >= MOVED_Z

    def __str__(self) -> str:
        if self.before == 0 and self.now == 0:
            return f"{self.channel} moved by {abs(self.sigma):.1f} σ"
        verb = "rose" if self.sigma > 0 else "fell"
        before, now = told_apart(self.before, self.now)
        return f"{self.channel} {verb} from {before} to {now} ({abs(self.sigma):.1f} σ)"


def moved(
    channel: Channel, reference: tuple[int, float], scores: Sequence[float], values: Sequence[float]
) -> Moved:
    """How far the column has moved.

    Args:
        channel: the column.
        reference: number of values, and median.
        scores: normal scores of the parts, or blocks of parts.
        values: of these.
    """
    count, before = reference
    sigma = math.fsum(scores) / len(scores)
    now = sorted(values)[len(values) // 2]
    return Moved(channel, before, now, sigma, sigma / math.sqrt(1 / len(scores) + 1 / count))


@dataclass(frozen=True, slots=True)
class Explanation:
    """Why something alarmed."""

    cause: Cause
    said: str
    """In one sentence."""


def explain(what: str, view: str, is_health: bool, health: Iterable[Moved], since: PartName) -> Explanation:
    """The sentence of an alarm.

    Args:
        what: the finding, such as "score of crack (camera top) rose from 0.02 to 0.11 (0.6 σ)".
        view: the camera that it is about; "" for all.
        is_health: whether it is itself about image health.
        health: how far each measure of image health moved over the same parts.
        since: the part from which on.
    """
    start = f"{what} since part {since}"
    measured = [each for each in health if view in ("", each.channel.view)]
    if is_health:
        return Explanation("image health", start)
    marked = sorted((each for each in measured if each.is_marked), key=lambda each: -abs(each.z))
    if marked:
        also = "; ".join(str(each) for each in marked[:3])
        return Explanation(
            "image health", f"{start}, and with it the image: {also}. See to the camera first"
        )
    if measured:
        return Explanation(
            "product",
            f"{start} while image health is steady: the product or the model's view of it changed",
        )
    return Explanation(
        "unknown",
        f"{start}; image health is not measured, so whether it is the camera or the product cannot be told "
        "('health: {}' in the recipe's views measures it)",
    )


def told_apart(before: float, now: float) -> tuple[str, str]:
    """Both with as many digits as it takes to see that they differ.

    >>> told_apart(0.0431, 0.0299), told_apart(100.2, 100.4)
    (('0.043', '0.03'), ('100.2', '100.4'))
    """
    for digits in range(2, 7):
        said = (f"{before:.{digits}g}", f"{now:.{digits}g}")
        if said[0] != said[1] and abs(float(said[0]) - float(said[1])) > 0.5 * abs(before - now):
            return said
    return f"{before:.6g}", f"{now:.6g}"
